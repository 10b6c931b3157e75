#pragma once
#include "providers/http/transport.hpp"
#include "tests/simulation/universe.hpp"
#include "tests/simulator/cloud.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace rekeyd::simulation {

/// How letters fare; probabilities of one exchange each.
struct NetworkChances {
  double unreachable{0};  ///< Nobody answers: not sent.
  double lost{0};         ///< Gone on the way there; the sender hears of a reset, or of nothing.
  double reply_lost{0};   ///< It took effect, and the answer is gone.
  double late{0};         ///< It takes effect long after its sender has given up.
  std::chrono::milliseconds late_max{0};
  std::uint64_t outages_a_year{0};  ///< Of one cloud each.
  std::chrono::milliseconds outage_max{0};
};

/// A request on its way to the clouds.
struct Letter {
  std::uint64_t number{};
  std::uint64_t life{};  ///< Of the daemon that sent it, counted from 1.
  sim::Request request;
  std::string key;       ///< The reference of the root key that it would rotate; else empty.
  std::string rotation;  ///< The rotation that it belongs to, if it would rotate.
  providers::Clock::Mono sent;
};

/// The network between daemons and clouds, a world of its own: a letter that was sent arrives and takes
/// effect though its sender has died, and its answer then goes nowhere. None is doubled: TCP sees to that.
class Network {
 public:
  Network(Universe& universe, sim::Cloud& cloud);

  /// From the life of that number. Completes with what its sender sees, at `deadline` at the latest.
  boost::asio::awaitable<Result<providers::HttpResponse>> exchange(std::uint64_t life,
                                                                   providers::HttpRequest request,
                                                                   providers::Clock::Mono deadline);
  /// The sender has died.
  void drop_waiting() { waiting_.drop(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t under_way() const { return under_way_; }

  NetworkChances chances;
  /// Nobody answers under these hosts until then.
  void cut_off(std::string const& host, providers::Clock::Mono until);
  bool is_cut_off(std::string const& host) const;
  void mend() { outages_.clear(); }

  /// May fill in what the letter is about; false: its sender is dead and it is never sent.
  std::function<bool(Letter&)> on_send = [](Letter&) { return true; };
  /// The letter took effect (or was refused): called right after.
  std::function<void(Letter const&, sim::Delivery const&)> on_arrival = [](auto const&, auto const&) {};

 private:
  using Answer = Result<providers::HttpResponse>;
  boost::asio::awaitable<Answer> travel(std::uint64_t life, providers::HttpRequest request);
  boost::asio::awaitable<Answer> nobody_answers(std::string where);
  Answer answer_of(sim::Delivery const& delivery, std::string const& where) const;
  void send(Letter letter, std::string where);
  void deliver(Letter letter, bool reply_lost, std::string where);

  Universe& universe_;
  sim::Cloud& cloud_;
  std::uint64_t letters_{0};
  std::size_t under_way_{0};
  WaitingRoom<std::uint64_t, Answer> waiting_;
  std::map<std::string, providers::Clock::Mono> outages_;
};

/// The network as one life of a daemon sees it.
class NetworkTransport final : public providers::HttpTransport {
 public:
  NetworkTransport(Network& network, std::uint64_t life) : network_(network), life_(life) {}
  boost::asio::awaitable<Result<providers::HttpResponse>> exchange(providers::HttpRequest request,
                                                                   providers::Clock::Mono deadline) override;
  boost::asio::awaitable<void> close() override;

 private:
  Network& network_;
  std::uint64_t life_;
};

}  // namespace rekeyd::simulation
