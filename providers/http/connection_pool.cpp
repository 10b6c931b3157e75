#include "providers/http/connection_pool.hpp"

#include <cerrno>

#include <sys/socket.h>

namespace rekeyd::providers {

Connection::Plain& Connection::socket() {
  if (auto* tls = std::get_if<TlsStream>(&stream)) return tls->next_layer();
  return std::get<Plain>(stream);
}

bool Connection::is_quiet() {
  char byte = 0;
  auto const seen = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

ConnectionPtr ConnectionPool::take(Endpoint const& endpoint, Clock::Mono now) {
  auto const found = idle_.find(endpoint);
  if (found == idle_.end()) return nullptr;
  auto& idle = found->second;
  while (!idle.empty() && now - idle.front()->idle_since >= age_max_) idle.pop_front();
  while (!idle.empty()) {
    auto newest = std::move(idle.back());
    idle.pop_back();
    if (newest->is_quiet()) return newest;
  }
  return nullptr;
}

void ConnectionPool::park(Endpoint const& endpoint, ConnectionPtr connection, Clock::Mono now) {
  connection->idle_since = now;
  auto& idle = idle_[endpoint];
  idle.push_back(std::move(connection));
  if (idle.size() > idle_max_) idle.pop_front();
}

std::vector<ConnectionPtr> ConnectionPool::take_all() {
  std::vector<ConnectionPtr> all;
  for (auto& [endpoint, idle] : idle_) {
    for (auto& connection : idle) all.push_back(std::move(connection));
  }
  idle_.clear();
  return all;
}

}  // namespace rekeyd::providers
