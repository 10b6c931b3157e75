#include "providers/auth/token_cache.hpp"

#include "providers/http/deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::seconds;

// An old token with this much left outlives the call that it is given to.
constexpr seconds still_useful = 2min;
// How long an issuer that refused, or failed to renew, is left alone.
constexpr seconds leave_alone = 30s;
constexpr seconds leave_alone_transient = 2s;
// What a renewal may take of a caller's time while an old token would serve.
constexpr seconds renewal_patience = 10s;

// Rings once; rings before the wait are not lost.
class Bell {
 public:
  explicit Bell(asio::any_io_executor const& executor)
      : timer_(executor, asio::steady_timer::time_point::max()) {}
  void ring() { timer_.expires_at(asio::steady_timer::time_point()); }
  asio::awaitable<Result<bool>> rung() {
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return true;
  }

 private:
  asio::steady_timer timer_;
};

// What is known for one audience.
struct Entry {
  AccessTokenPtr token;
  Clock::Mono ask_not_before{};  ///< The issuer is left alone until then.
  std::optional<Error> refusal;  ///< Why, when there is no token.
  std::string claims;            ///< What the next token has to claim.
  bool asking{false};
  std::list<Bell*> waiting;
};

// The one who asks the issuer. However it ends, cancelled included, the others are woken.
class Asking {
 public:
  explicit Asking(Entry& entry) : entry_(entry) { entry_.asking = true; }
  ~Asking() {
    entry_.asking = false;
    for (auto* bell : entry_.waiting) bell->ring();
  }
  Asking(Asking const&) = delete;
  Asking& operator=(Asking const&) = delete;

 private:
  Entry& entry_;
};

// One who waits for the other's answer.
class Waiting {
 public:
  Waiting(Entry& entry, asio::any_io_executor const& executor)
      : bell(executor), entry_(entry), place_(entry.waiting.insert(entry.waiting.end(), &bell)) {}
  ~Waiting() { entry_.waiting.erase(place_); }
  Waiting(Waiting const&) = delete;
  Waiting& operator=(Waiting const&) = delete;
  Bell bell;

 private:
  Entry& entry_;
  std::list<Bell*>::iterator place_;
};

Error gave_up(ErrorClass error_class, std::string what) {
  Error error;
  error.error_class = error_class;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  return error;
}

class TokenCache final : public CredentialSource {
 public:
  TokenCache(Clock& clock, std::unique_ptr<TokenIssuer> issuer, TokenSchedule schedule)
      : clock_(clock), issuer_(std::move(issuer)), schedule_(schedule) {}

  asio::awaitable<Result<AccessTokenPtr>> token(std::string audience, Clock::Mono deadline) override {
    try {
      co_return co_await find_or_ask(std::move(audience), deadline);
    } catch (boost::system::system_error const& ended) {
      if (ended.code() != asio::error::operation_aborted) throw;
    }
    co_return std::unexpected(gave_up(ErrorClass::cancelled, "the wait for a token was cancelled"));
  }

  void forget(AccessTokenPtr const& token) override {
    for (auto& [audience, entry] : entries_) {
      if (entry.token == token) entry.token.reset();
    }
  }

  void forget_for_claims(AccessTokenPtr const& token, std::string const& claims) override {
    for (auto& [audience, entry] : entries_) {
      if (entry.token != token) continue;
      entry.token.reset();
      entry.claims = claims;
    }
  }

 private:
  enum class Standing { fresh, renewable, unusable };

  Standing standing(Entry const& entry) const {
    auto const now = clock_.mono_now();
    if (!entry.token || now >= entry.token->expires) return Standing::unusable;
    return now < entry.token->refresh_after ? Standing::fresh : Standing::renewable;
  }
  bool left_alone(Entry const& entry) const { return clock_.mono_now() < entry.ask_not_before; }
  bool useful(Entry const& entry) const {
    return entry.token && clock_.mono_now() + still_useful < entry.token->expires;
  }

  asio::awaitable<Result<AccessTokenPtr>> find_or_ask(std::string audience, Clock::Mono deadline);
  asio::awaitable<Result<AccessTokenPtr>> ask(Entry& entry, std::string audience, Clock::Mono deadline);
  void keep(Entry& entry, IssuedToken issued, Clock::Mono asked_at) const;

  Clock& clock_;
  std::unique_ptr<TokenIssuer> issuer_;
  TokenSchedule schedule_;
  std::map<std::string, Entry> entries_;  // a map: references stay good while coroutines wait
};

asio::awaitable<Result<AccessTokenPtr>> TokenCache::find_or_ask(std::string audience, Clock::Mono deadline) {
  Entry& entry = entries_[audience];
  for (;;) {
    auto const now_standing = standing(entry);
    if (now_standing == Standing::fresh) co_return entry.token;
    bool const serve_old = now_standing == Standing::renewable && (entry.asking || left_alone(entry));
    if (serve_old && useful(entry)) co_return entry.token;
    if (!entry.asking && left_alone(entry) && entry.refusal) co_return std::unexpected(*entry.refusal);
    if (!entry.asking) co_return co_await ask(entry, audience, deadline);

    auto executor = co_await asio::this_coro::executor;
    Waiting waiting(entry, executor);
    auto const woken = co_await with_deadline<bool>(clock_, deadline, Delivery::not_sent, std::string(),
                                                    waiting.bell.rung());
    if (!woken) {
      auto error = gave_up(woken.error().error_class, "no token came before the deadline");
      co_return std::unexpected(std::move(error));
    }
  }
}

asio::awaitable<Result<AccessTokenPtr>> TokenCache::ask(Entry& entry, std::string audience,
                                                        Clock::Mono deadline) {
  Asking const asking(entry);
  auto const asked_at = clock_.mono_now();
  bool const old_serves = useful(entry);
  auto const limit =
      old_serves ? std::min(asked_at + renewal_patience, asked_at + (deadline - asked_at) / 2) : deadline;
  std::string const claimed = entry.claims;
  TokenWish wish{std::move(audience), claimed};
  auto issued = co_await issuer_->issue(std::move(wish), limit);
  if (issued) {
    if (entry.claims == claimed) entry.claims.clear();
    keep(entry, std::move(*issued), asked_at);
    co_return entry.token;
  }
  auto const& error = issued.error();
  // That this caller was stopped or ran out of time says nothing of the issuer: the next one asks anew.
  bool const says_nothing = error.error_class == ErrorClass::cancelled || clock_.mono_now() >= deadline;
  if (!says_nothing) {
    bool const passing = error.error_class == ErrorClass::transient && !old_serves;
    entry.ask_not_before = clock_.mono_now() + (passing ? leave_alone_transient : leave_alone);
    entry.refusal = error;
  }
  if (useful(entry) && error.error_class != ErrorClass::cancelled) co_return entry.token;
  co_return std::unexpected(std::move(issued.error()));
}

void TokenCache::keep(Entry& entry, IssuedToken issued, Clock::Mono asked_at) const {
  auto const times = schedule_(issued.lifetime, issued.refresh_in);
  auto fresh = std::make_shared<AccessToken>();
  fresh->bearer = std::move(issued.bearer);
  fresh->refresh_after = asked_at + times.refresh_after;
  fresh->expires = asked_at + times.expires;
  entry.token = std::move(fresh);
  entry.refusal.reset();
  entry.ask_not_before = {};
}

}  // namespace

TokenTimes entra_times(seconds lifetime, std::optional<seconds> refresh_in) {
  auto refresh = lifetime >= 2h ? lifetime / 2 : std::max(lifetime - 5min, lifetime / 2);
  if (refresh_in && *refresh_in > 0s) refresh = std::min(refresh, *refresh_in);
  return {refresh, lifetime};
}

TokenTimes ibm_times(seconds lifetime, std::optional<seconds> refresh_in) {
  auto const expires = lifetime > 2min ? lifetime - 1min : lifetime / 2;
  auto refresh = std::min(lifetime * 8 / 10, expires);
  if (refresh_in && *refresh_in > 0s) refresh = std::min(refresh, *refresh_in);
  return {refresh, expires};
}

std::unique_ptr<CredentialSource> make_token_cache(Clock& clock, std::unique_ptr<TokenIssuer> issuer,
                                                   TokenSchedule schedule) {
  return std::make_unique<TokenCache>(clock, std::move(issuer), schedule);
}

}  // namespace rekeyd::providers
