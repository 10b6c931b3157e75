#include "tests/simulator/cloud.hpp"

#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/chrono.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace rekeyd::sim {

namespace json = boost::json;

namespace {

// date::format would take a stream and its locale for it; every answer has a date.
std::string http_date(Instant instant) { return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", instant); }

// "5", an HTTP date, or "date:5": a date so many seconds from now.
std::string retry_after_value(std::string const& wanted, Instant now) {
  constexpr std::string_view as_date = "date:";
  if (!wanted.starts_with(as_date)) return wanted;
  return http_date(now + std::chrono::seconds(std::strtol(wanted.c_str() + as_date.size(), nullptr, 10)));
}

void set_content_type(Answer& answer, std::string const& type) {
  for (auto& [name, value] : answer.headers) {
    if (lower(name) == "content-type") {
      value = type;
      return;
    }
  }
  answer.headers.emplace_back("Content-Type", type);
}

// A body that a proxy, a bug or a broken disk put in the place of the service's own.
void spoil(Delivery& delivery, FaultKind kind) {
  auto& answer = delivery.answer;
  switch (kind) {
    case FaultKind::reset_after:
      delivery.cut = Cut::after;
      break;
    case FaultKind::truncate:
      delivery.cut = Cut::mid_body;
      break;
    case FaultKind::malformed_json:
      answer.status = 200;
      answer.body = R"({"key":{"kid":"https://)";
      break;
    case FaultKind::html:
      answer.status = 200;
      answer.body = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Proxy</body></html>\n";
      set_content_type(answer, "text/html; charset=utf-8");
      break;
    case FaultKind::huge_body:
      answer.status = 200;
      answer.body = R"({"value":")" + std::string(std::size_t{10} * 1024 * 1024, 'A') + R"("})";
      break;
    case FaultKind::wrong_type:
      set_content_type(answer, "text/plain");
      break;
    default:
      break;
  }
}

Answer no_such_host(Request const& request) {
  return {404,
          {{"Content-Type", "text/plain"}},
          fmt::format("rekeyd-sim serves no service under the name '{}'\n", request.host),
          "unknown host"};
}

}  // namespace

Cloud::Cloud(std::uint64_t seed, std::size_t rsa_pool_size)
    : random_(seed), rsa_keys_(rsa_pool_size, random_) {}

void Cloud::add(std::unique_ptr<Service> service) {
  for (auto const& host : service->hosts()) by_host_.emplace(host, service.get());
  services_.push_back(std::move(service));
}

Service* Cloud::find(std::string const& host) const {
  if (auto const found = by_host_.find(host); found != by_host_.end()) return found->second;
  for (auto const& service : services_) {
    if (service->serves(host)) return service.get();
  }
  return nullptr;
}

Delivery Cloud::handle(Request const& request, Instant now) {
  Delivery delivery;
  if (request.host == control_host) {
    delivery.answer = control(request, now);
  } else if (Service* service = find(request.host); service != nullptr) {
    delivery = served(*service, request, now);
    count(request, delivery);
  } else {
    delivery.answer = no_such_host(request);
  }
  delivery.answer.headers.emplace_back("Date", http_date(now));
  return delivery;
}

Delivery Cloud::served(Service& service, Request const& request, Instant now) {
  auto const verdict = faults_.judge(request, random_);
  Delivery delivery{{}, verdict.delay, Cut::none};
  if (!verdict.fault) {
    delivery.answer = service.handle(request, now);
    return delivery;
  }
  FaultRule const& rule = *verdict.fault;
  if (rule.kind == FaultKind::reset_before) {
    delivery.cut = Cut::before;
    return delivery;
  }
  if (rule.kind == FaultKind::refuse) {
    delivery.answer = service.refusal(rule.status, request);
    delivery.answer.operation = "refused by a fault rule";
    if (!rule.retry_after.empty()) {
      delivery.answer.headers.emplace_back("Retry-After", retry_after_value(rule.retry_after, now));
    }
    return delivery;
  }
  Request faulty = request;
  faulty.token_expired = rule.kind == FaultKind::expired_token;
  faulty.lag = rule.lag;
  // A replica that lags answers a read as of then.
  bool const read_from_replica = rule.kind == FaultKind::lag && request.method == "GET";
  delivery.answer = service.handle(faulty, read_from_replica ? now - rule.lag : now);
  spoil(delivery, rule.kind);
  return delivery;
}

void Cloud::count(Request const& request, Delivery const& delivery) {
  auto& host = requests_[request.host];
  if (delivery.cut == Cut::before) {
    ++host["reset before it took effect"];
    return;
  }
  auto const& answer = delivery.answer;
  ++host[fmt::format("{} {}", answer.operation.empty() ? request.method : answer.operation, answer.status)];
}

std::vector<std::string> Cloud::hosts() const {
  std::vector<std::string> all{std::string(control_host)};
  for (auto const& service : services_) {
    for (auto& host : service->hosts()) all.push_back(std::move(host));
  }
  return all;
}

std::vector<SeededDek> const& Cloud::deks() {
  if (!deks_) {
    deks_.emplace();
    for (auto const& service : services_) {
      for (auto& dek : service->seed_deks()) deks_->push_back(std::move(dek));
    }
  }
  return *deks_;
}

std::optional<std::string> Cloud::unwrap_check(Envelope const& envelope) const {
  for (auto const& service : services_) {
    if (auto digest = service->unwrap_check(envelope)) return digest;
  }
  return std::nullopt;
}

json::value Cloud::state(Instant now) const {
  json::array services;
  for (auto const& service : services_) {
    if (auto state = service->state(now); !state.is_null()) services.push_back(std::move(state));
  }
  return {{"now", to_rfc3339(now)}, {"services", std::move(services)}, {"requests", request_counts()}};
}

std::vector<KeyTruth> Cloud::keys_as_they_are(Instant now) const {
  std::vector<KeyTruth> all;
  for (auto const& service : services_)
    std::ranges::move(service->keys_as_they_are(now), std::back_inserter(all));
  return all;
}

ResourceTruth Cloud::resources_as_they_are(Instant now) const {
  ResourceTruth all;
  for (auto const& service : services_) {
    auto part = service->resources_as_they_are(now);
    std::ranges::move(part.virtual_machines, std::back_inserter(all.virtual_machines));
    std::ranges::move(part.disk_encryption_sets, std::back_inserter(all.disk_encryption_sets));
    std::ranges::move(part.consumers, std::back_inserter(all.consumers));
  }
  return all;
}

json::value Cloud::request_counts() const {
  json::object hosts;
  for (auto const& [host, operations] : requests_) {
    json::object counts;
    for (auto const& [operation, number] : operations) counts[operation] = number;
    hosts[host] = std::move(counts);
  }
  return hosts;
}

}  // namespace rekeyd::sim
