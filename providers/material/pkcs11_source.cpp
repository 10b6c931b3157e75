#include "providers/material/pkcs11_source.hpp"

#include "providers/auth/secret_file.hpp"
#include "providers/http/deadline.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace {

/// A PIN that was refused once; on the token's thread only.
struct RefusedPin {
  std::optional<Secret> pin;
};

/// One call that the loop waits for.
struct Call {
  explicit Call(asio::any_io_executor const& loop) : answered(loop, asio::steady_timer::time_point::max()) {}
  asio::steady_timer answered;  ///< Cancelled when the outcome is there.
  std::optional<Result<KeyMaterialPtr>> outcome;
};

constexpr auto patience_at_the_end = std::chrono::seconds(5);

/// What the loop and the token's thread share.
struct Progress {
  std::mutex mutex;
  std::condition_variable came_back;  ///< A call has.
  bool listening{true};               ///< The loop is there to take outcomes.
  std::uint64_t answered{0};  ///< Calls that the module has given back, in the order in which they were made.
};

asio::awaitable<Result<KeyMaterialPtr>> outcome_of(std::shared_ptr<Call> call) {
  boost::system::error_code woken;
  if (!call->outcome) co_await call->answered.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  if (call->outcome) co_return std::move(*call->outcome);
  Error error;
  error.error_class = ErrorClass::cancelled;
  error.delivery = Delivery::not_sent;
  error.what = "the wait for the token was cancelled";
  co_return std::unexpected(std::move(error));
}

Result<KeyMaterialPtr> ask_token(Pkcs11SourceOptions const& options, RefusedPin& refused,
                                 MaterialWanted const& wanted) {
  auto pin = read_secret_file(options.pin_file);
  if (!pin) {
    return std::unexpected(
        material_error("pin_unreadable", pin.error().what, options.pin_file.string(), pin.error().remedy));
  }
  if (refused.pin && refused.pin->same_as(*pin)) {
    return std::unexpected(
        material_error("pin_refused", "the token has refused this PIN; it is not tried again",
                       options.pin_file.string(), "correct the PIN, then `rekeyctl retry`"));
  }
  auto const algorithm = wanted.type.algorithm;
  if (algorithm == KeyAlgorithm::other) {
    return std::unexpected(material_error("material_unfit",
                                          fmt::format("{} keys are not imported", to_text(algorithm)),
                                          wanted.key.text(), "exclude the key from rekeyd's policies"));
  }
  auto material = read_pkcs11_key(options.token, *pin, algorithm, wanted.key.text());
  if (!material && material.error().code == "pin_refused") refused.pin = std::move(*pin);
  if (!material || !*material) return material;
  auto const fits = check_fit(wanted, (*material)->type, options.token.label);
  if (!fits) return std::unexpected(fits.error());
  return material;
}

class Pkcs11Source final : public MaterialSource {
 public:
  Pkcs11Source(Clock& clock, Pkcs11SourceOptions options)
      : clock_(clock),
        options_(std::move(options)),
        refused_(std::make_shared<RefusedPin>()),
        progress_(std::make_shared<Progress>()),
        thread_(std::make_unique<asio::thread_pool>(1)) {}

  // A module that is only slow is waited for: a thread of ours that lives on while the process ends would
  // meet what is being torn down. One that it does not give back ends with the process: nobody can end it
  // before.
  ~Pkcs11Source() override {
    std::unique_lock lock(progress_->mutex);
    progress_->listening = false;
    bool const back = progress_->came_back.wait_for(lock, patience_at_the_end,
                                                    [this] { return progress_->answered >= given_up_; });
    if (!back) abandoned_ = thread_.release();
  }
  Pkcs11Source(Pkcs11Source const&) = delete;
  Pkcs11Source& operator=(Pkcs11Source const&) = delete;

  MaterialSourceName const& name() const override { return options_.name; }
  char const* kind() const override { return "pkcs11"; }
  bool may_repeat() const override { return true; }

  asio::awaitable<Result<KeyMaterialPtr>> look(MaterialWanted wanted, Clock::Mono deadline) override {
    return draw(std::move(wanted), deadline);
  }

  asio::awaitable<Result<KeyMaterialPtr>> draw(MaterialWanted wanted, Clock::Mono deadline) override {
    if (hangs()) co_return std::unexpected(silent());
    asio::any_io_executor const loop = co_await asio::this_coro::executor;
    auto call = std::make_shared<Call>(loop);
    std::uint64_t const number = ++calls_;
    send(call, loop, std::move(wanted));
    auto waiting = outcome_of(call);
    auto answer = co_await with_deadline<KeyMaterialPtr>(clock_, deadline, Delivery::not_sent,
                                                         options_.token.label, std::move(waiting));
    if (call->outcome) co_return answer;
    given_up_ = number;
    if (!answer && answer.error().error_class == ErrorClass::cancelled) co_return answer;
    co_return std::unexpected(silent());
  }

 private:
  void send(std::weak_ptr<Call> call, asio::any_io_executor const& loop, MaterialWanted wanted) {
    auto piece = [call = std::move(call), loop, progress = progress_, refused = refused_, options = options_,
                  wanted = std::move(wanted)] {
      auto outcome = ask_token(options, *refused, wanted);
      auto deliver = [call, outcome = std::move(outcome)]() mutable {
        auto const waiting = call.lock();
        if (!waiting) return;
        waiting->outcome.emplace(std::move(outcome));
        waiting->answered.cancel();
      };
      std::lock_guard const lock(progress->mutex);
      ++progress->answered;
      progress->came_back.notify_all();
      if (progress->listening) asio::post(loop, std::move(deliver));
    };
    asio::post(*thread_, std::move(piece));
  }

  /// Has a call that was given up not come back yet?
  bool hangs() const {
    std::lock_guard const lock(progress_->mutex);
    return progress_->answered < given_up_;
  }

  Error silent() const {
    Error error;
    error.error_class = ErrorClass::transient;
    error.delivery = Delivery::not_sent;
    error.code = "token_silent";
    error.what = "the token does not answer";
    error.where = fmt::format("token '{}' of {}", options_.token.label, options_.token.module.string());
    error.remedy = "see that it works; if its module hangs, restart rekeyd";
    return error;
  }

  Clock& clock_;
  Pkcs11SourceOptions options_;
  std::shared_ptr<RefusedPin> refused_;
  std::shared_ptr<Progress> progress_;
  std::unique_ptr<asio::thread_pool> thread_;
  asio::thread_pool* abandoned_{};  ///< Left to the end of the process.
  std::uint64_t calls_{0};
  std::uint64_t given_up_{0};  ///< The last call that was not answered in time.
};

}  // namespace

std::unique_ptr<MaterialSource> make_pkcs11_source(Clock& clock, Pkcs11SourceOptions options) {
  return std::make_unique<Pkcs11Source>(clock, std::move(options));
}

}  // namespace rekeyd::providers
