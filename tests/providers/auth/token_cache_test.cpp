#include "providers/auth/token_cache.hpp"

#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_transport.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <catch2/catch.hpp>

#include <list>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();

// An issuer that takes its time, numbers its tokens, and fails while it is told to.
struct Issuer final : TokenIssuer {
  explicit Issuer(Clock& used) : clock(used) {}

  asio::awaitable<Result<IssuedToken>> issue(TokenWish wish, Clock::Mono deadline) override {
    ++asked;
    audiences.push_back(std::move(wish.audience));
    claims.push_back(std::move(wish.claims));
    auto const done = clock.mono_now() + latency;
    co_await clock.sleep_until(std::min(done, deadline));
    if (done > deadline) co_return test::network_error(Delivery::maybe_applied);
    if (failure) co_return std::unexpected(*failure);
    IssuedToken token;
    token.bearer = Secret("token " + std::to_string(asked));
    token.lifetime = lifetime;
    co_return token;
  }

  Clock& clock;
  int asked{0};
  std::vector<std::string> audiences;
  std::vector<std::string> claims;
  std::chrono::seconds latency{1};
  std::chrono::seconds lifetime{3600};
  std::optional<Error> failure;
};

struct World {
  test::VirtualClock clock{noon};
  Issuer* issuer{nullptr};
  std::unique_ptr<CredentialSource> cache;
  asio::io_context io{1};

  World() {
    auto made = std::make_unique<Issuer>(clock);
    issuer = made.get();
    cache = make_token_cache(clock, std::move(made), entra_times);
  }
  Result<AccessTokenPtr> ask(std::chrono::seconds patience = 60s,
                             std::string audience = "https://vault.azure.net") {
    return test::run_coroutine(io, clock, cache->token(std::move(audience), clock.mono_now() + patience));
  }
  std::string bearer() {
    auto const token = ask();
    return token ? std::string((*token)->bearer.reveal()) : "none: " + token.error().what;
  }
  Error refused() {
    auto const token = ask();
    REQUIRE_FALSE(token.has_value());
    return token.error();
  }
};

Error error_of(ErrorClass error_class) {
  Error error;
  error.error_class = error_class;
  error.what = "refused";
  return error;
}

struct Callers {
  struct Slot {
    std::optional<Result<AccessTokenPtr>> outcome;
    asio::cancellation_signal stop;
  };
  std::list<Slot> slots;
  Slot& start(World& world, std::chrono::seconds patience = 60s) {
    auto& slot = slots.emplace_back();
    asio::co_spawn(world.io, world.cache->token("https://vault.azure.net", world.clock.mono_now() + patience),
                   asio::bind_cancellation_slot(
                       slot.stop.slot(), [&slot](std::exception_ptr thrown, Result<AccessTokenPtr> token) {
                         if (thrown) std::rethrow_exception(thrown);
                         slot.outcome = std::move(token);
                       }));
    return slot;
  }
  bool all_ended() const {
    return std::ranges::all_of(slots, [](Slot const& slot) { return slot.outcome.has_value(); });
  }
};

}  // namespace

TEST_CASE("a token is asked for once and kept by audience") {
  World world;
  CHECK(world.bearer() == "token 1");
  CHECK(world.bearer() == "token 1");
  auto const other = world.ask(60s, "https://managedhsm.azure.net");
  REQUIRE(other.has_value());
  CHECK((*other)->bearer.reveal() == "token 2");
  CHECK(world.bearer() == "token 1");
  CHECK(world.issuer->asked == 2);
}

TEST_CASE("callers at the same time share one request and its answer, good or bad") {
  bool const refused = GENERATE(false, true);
  World world;
  if (refused) world.issuer->failure = error_of(ErrorClass::access);
  Callers callers;
  for (int i = 0; i < 20; ++i) callers.start(world);
  REQUIRE(test::run_until(world.io, world.clock, [&] { return callers.all_ended(); }));
  CHECK(world.issuer->asked == 1);
  for (auto const& slot : callers.slots) CHECK(slot.outcome->has_value() == !refused);
}

TEST_CASE("a token is renewed ahead of its end, and the others are not made to wait for it") {
  World world;
  world.bearer();
  world.clock.advance(54min);
  CHECK(world.bearer() == "token 1");
  world.clock.advance(1min);
  Callers callers;
  auto& first = callers.start(world);
  test::run_ready(world.io);
  auto& second = callers.start(world);
  test::run_ready(world.io);
  REQUIRE(second.outcome.has_value());
  CHECK((**second.outcome)->bearer.reveal() == "token 1");
  REQUIRE(test::run_until(world.io, world.clock, [&] { return callers.all_ended(); }));
  CHECK((**first.outcome)->bearer.reveal() == "token 2");
  CHECK(world.issuer->asked == 2);
}

TEST_CASE("while renewal fails the old token serves, but not into its last two minutes") {
  World world;
  world.bearer();
  world.clock.advance(56min);
  world.issuer->failure = error_of(ErrorClass::transient);
  CHECK(world.bearer() == "token 1");
  CHECK(world.bearer() == "token 1");
  CHECK(world.issuer->asked == 2);  // the issuer is left alone for a while
  world.clock.advance(31s);
  CHECK(world.bearer() == "token 1");
  CHECK(world.issuer->asked == 3);
  world.clock.advance(2min);
  CHECK(world.refused().error_class == ErrorClass::transient);
  world.issuer->failure.reset();
  world.clock.advance(31s);
  CHECK(world.bearer().starts_with("token"));
}

TEST_CASE("renewal takes no more than its share of a caller's time") {
  World world;
  world.bearer();
  world.clock.advance(56min);
  world.issuer->latency = 1h;
  auto const begun = world.clock.mono_now();
  CHECK(world.bearer() == "token 1");
  CHECK(world.clock.mono_now() - begun == 10s);
}

TEST_CASE("an expired token is never handed out") {
  World world;
  world.bearer();
  world.clock.advance(1h);
  CHECK(world.bearer() == "token 2");
  world.clock.advance(1h);
  world.issuer->failure = error_of(ErrorClass::transient);
  CHECK(world.refused().what == "refused");
}

TEST_CASE("a refusal is remembered for a while, and then asked again") {
  World world;
  world.issuer->failure = error_of(ErrorClass::access);
  for (int i = 0; i < 10; ++i) CHECK(world.refused().error_class == ErrorClass::access);
  CHECK(world.issuer->asked == 1);
  world.clock.advance(31s);
  world.issuer->failure.reset();
  CHECK(world.bearer() == "token 2");
}

TEST_CASE(
    "a token that the service refused is not handed out again and forgetting an older one changes nothing") {
  World world;
  auto const first = world.ask();
  REQUIRE(first.has_value());
  world.cache->forget(*first);
  CHECK(world.bearer() == "token 2");
  world.cache->forget(*first);
  CHECK(world.bearer() == "token 2");
  CHECK((*first)->bearer.reveal() == "token 1");
}

TEST_CASE("when the caller who asks is cancelled, the next one asks") {
  World world;
  Callers callers;
  auto& first = callers.start(world);
  test::run_ready(world.io);
  auto& second = callers.start(world);
  auto& third = callers.start(world);
  test::run_ready(world.io);
  first.stop.emit(asio::cancellation_type::terminal);
  test::run_ready(world.io);
  REQUIRE(first.outcome.has_value());
  CHECK(first.outcome->error().error_class == ErrorClass::cancelled);
  second.stop.emit(asio::cancellation_type::terminal);
  REQUIRE(test::run_until(world.io, world.clock, [&] { return callers.all_ended(); }));
  CHECK(second.outcome->error().error_class == ErrorClass::cancelled);
  CHECK((**third.outcome)->bearer.reveal().starts_with("token"));
  CHECK(world.clock.sleepers() == 0);
}

TEST_CASE("an impatient caller's timeout is its own, and waiting has a deadline") {
  World world;
  world.issuer->latency = 30s;
  Callers callers;
  auto& impatient = callers.start(world, 5s);
  test::run_ready(world.io);
  auto& waiting = callers.start(world, 3s);
  auto& patient = callers.start(world, 120s);
  REQUIRE(test::run_until(world.io, world.clock, [&] { return callers.all_ended(); }));
  CHECK_FALSE(impatient.outcome->has_value());
  CHECK_FALSE(waiting.outcome->has_value());
  CHECK(waiting.outcome->error().delivery == Delivery::not_sent);
  CHECK(patient.outcome->has_value());
  CHECK(world.issuer->asked == 2);
}

TEST_CASE("tokens are renewed as their issuers advise") {
  CHECK(entra_times(3599s, {}).refresh_after == 3299s);
  CHECK(entra_times(3599s, {}).expires == 3599s);
  CHECK(entra_times(2h, {}).refresh_after == 1h);
  CHECK(entra_times(28h, {}).refresh_after == 14h);
  CHECK(entra_times(28h, 600s).refresh_after == 600s);
  CHECK(entra_times(60s, {}).refresh_after == 30s);
  CHECK(ibm_times(3600s, {}).refresh_after == 2880s);
  CHECK(ibm_times(3600s, {}).expires == 3540s);
  CHECK(ibm_times(60s, {}).expires == 30s);
  CHECK(ibm_times(60s, {}).refresh_after <= 30s);
}
