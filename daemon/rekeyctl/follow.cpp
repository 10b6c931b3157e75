#include "daemon/rekeyctl/follow.hpp"

#include "daemon/rekeyctl/wording.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

namespace rekeyd::rekeyctl {

namespace {

constexpr std::chrono::milliseconds pause{500};

void rest() {
  boost::asio::io_context io(1);
  boost::asio::steady_timer(io, pause).wait();
}

std::string words_of(Rotation const& rotation) {
  std::string words = fmt::format("rotation {}: ", rotation.id.str());
  if (rotation.state == RotationState::open) {
    words += to_text(rotation.step);
    if (rotation.next_try) words += ", next try " + moment(rotation.next_try);
  } else {
    words += to_text(rotation.state);
  }
  if (rotation.state == RotationState::done && rotation.new_version) {
    words += rotation.successor ? fmt::format(", {} has taken its place", rotation.successor->text())
                                : ", current version is " + rotation.new_version->str();
  }
  std::string const said = with_remedy(rotation.message, rotation.remedy);
  return said.empty() ? words : words + ": " + said;
}

}  // namespace

Result<Rotation> follow(daemon::ControlClient& client, RotationId const& id, Output& out) {
  std::string told;
  for (;;) {
    auto rotation = client.rotation(id);
    if (!rotation) return rotation;
    std::string words = words_of(*rotation);
    if (words != told) out.words(words);
    told = std::move(words);
    if (rotation->state != RotationState::open) return rotation;
    rest();
  }
}

Exit exit_of(Rotation const& ended) {
  if (ended.state == RotationState::done) return Exit::well;
  return ended.state == RotationState::blocked ? Exit::attention : Exit::error;
}

}  // namespace rekeyd::rekeyctl
