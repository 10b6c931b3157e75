#include "daemon/control/routes.hpp"

#include "config/glob_syntax.hpp"
#include "daemon/control/key_filter.hpp"
#include "daemon/control/plan_span.hpp"
#include "daemon/control/protocol.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace rekeyd::daemon {

namespace {

using Parameters = std::vector<std::string_view>;

Error bad_request(std::string what) {
  Error error;
  error.error_class = ErrorClass::malformed;
  error.code = "bad_request";
  error.what = std::move(what);
  return error;
}

ControlAnswer ok(std::string body) { return {.status = 200, .body = std::move(body)}; }

ControlAnswer refuse(unsigned status, Error error, ControlRequest const& request) {
  if (error.where.empty()) error.where = request.method + " " + request.path;
  return {.status = status, .body = encode_error(error)};
}

ControlAnswer refuse(Error error, ControlRequest const& request) {
  unsigned const status = http_status(error.error_class);
  return refuse(status, std::move(error), request);
}

// A parameter that nobody reads would be a filter that silently filters nothing.
std::optional<Error> unknown_parameter(ControlRequest const& request, Parameters const& known) {
  for (auto const& [name, value] : request.query) {
    if (std::ranges::find(known, name) != known.end()) continue;
    std::string const takes = known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", "));
    return bad_request(fmt::format("unknown parameter '{}'; this path takes {}", name, takes));
  }
  return std::nullopt;
}

std::optional<std::string> parameter(ControlRequest const& request, char const* name) {
  auto const found = request.query.find(name);
  if (found == request.query.end()) return std::nullopt;
  return found->second;
}

/// A reference has slashes and a name may have what it likes; only sets can be wrong.
std::optional<std::string> name_defect(std::string pattern) {
  std::ranges::replace_if(pattern, [](char c) { return c == '/' || c == '\\'; }, '_');
  return config::glob_defect(pattern);
}

Result<KeyFilter> key_filter(ControlRequest const& request) {
  KeyFilter filter{.provider = parameter(request, "provider"),
                   .status = std::nullopt,
                   .policy = parameter(request, "policy"),
                   .name = parameter(request, "name")};
  if (auto const word = parameter(request, "status")) {
    filter.status = parse_key_status(*word);
    if (!filter.status)
      return std::unexpected(bad_request(fmt::format("no key status is called '{}'", *word)));
  }
  if (filter.name) {
    if (auto const defect = name_defect(*filter.name)) {
      return std::unexpected(bad_request(fmt::format("'{}' is not a pattern: {}", *filter.name, *defect)));
    }
  }
  return filter;
}

Result<Instant> plan_end(ControlRequest const& request, Instant now) {
  auto const until = parameter(request, "until");
  auto const span = parameter(request, "for");
  if (until.has_value() == span.has_value()) {
    return std::unexpected(bad_request("a plan takes either 'until' (RFC 3339) or 'for' (such as 12months)"));
  }
  std::optional<Instant> end;
  if (until) end = parse_rfc3339(*until);
  if (span) {
    if (auto const parsed = parse_plan_span(*span)) end = end_of(*parsed, now);
  }
  if (!end) {
    return std::unexpected(bad_request(
        until ? fmt::format("'{}' is not an RFC 3339 time such as 2027-01-31T00:00:00Z", *until)
              : fmt::format("'{}' is not a span such as 12months, 90days or 2years, up to 10 years", *span)));
  }
  if (*end < now) return std::unexpected(bad_request("a plan's end lies ahead, not behind"));
  if (*end > plan_limit(now)) return std::unexpected(bad_request("a plan looks ahead 10 years at most"));
  return *end;
}

struct Asked {
  ControlService& service;
  ControlRequest const& request;
  std::string argument;  ///< What stood for {id} in the path.
};

ControlAnswer get_status(Asked const& asked) { return ok(encode_status(asked.service.status())); }

ControlAnswer get_keys(Asked const& asked) {
  auto const filter = key_filter(asked.request);
  if (!filter) return refuse(filter.error(), asked.request);
  std::vector<KeyReport> keys = asked.service.keys();
  std::erase_if(keys, [&](KeyReport const& key) { return !matches(*filter, key); });
  return ok(encode_keys(keys));
}

ControlAnswer get_resources(Asked const& asked) {
  auto const resources = asked.service.resources();
  if (!resources) return refuse(resources.error(), asked.request);
  return ok(encode_resources(*resources));
}

ControlAnswer get_plan(Asked const& asked) {
  auto const end = plan_end(asked.request, asked.service.now());
  if (!end) return refuse(end.error(), asked.request);
  return ok(encode_plan(asked.service.plan(*end)));
}

ControlAnswer get_rotation(Asked const& asked) {
  auto const rotation = asked.service.rotation(RotationId(asked.argument));
  if (!rotation) return refuse(rotation.error(), asked.request);
  return ok(encode_rotation(*rotation));
}

ControlAnswer post_rotate(Asked const& asked) {
  auto const wanted = decode_rotate_request(asked.request.body);
  if (!wanted) return refuse(wanted.error(), asked.request);
  auto const answer = asked.service.rotate(*wanted, asked.request.caller, asked.request.uid);
  if (!answer) return refuse(answer.error(), asked.request);
  return {.status = 202, .body = encode_rotate_answer(*answer)};
}

ControlAnswer post_replace(Asked const& asked) {
  auto const wanted = decode_replace_request(asked.request.body);
  if (!wanted) return refuse(wanted.error(), asked.request);
  auto const answer = asked.service.replace(*wanted, asked.request.caller);
  if (!answer) return refuse(answer.error(), asked.request);
  return {.status = 202, .body = encode_rotate_answer(*answer)};
}

ControlAnswer post_reload(Asked const& asked) {
  if (!asked.request.body.empty()) return refuse(bad_request("a reload takes no body"), asked.request);
  auto const answer = asked.service.reload(asked.request.caller);
  if (!answer) return refuse(answer.error(), asked.request);
  return ok(encode_reload_answer(*answer));
}

ControlAnswer accepted(Result<void> const& done, Asked const& asked) {
  if (!done) return refuse(done.error(), asked.request);
  return {.status = 202, .body = encode_accepted(RotationId(asked.argument))};
}

ControlAnswer post_retry(Asked const& asked) {
  if (!asked.request.body.empty()) return refuse(bad_request("a retry takes no body"), asked.request);
  return accepted(asked.service.retry(RotationId(asked.argument), asked.request.caller), asked);
}

ControlAnswer post_abandon(Asked const& asked) {
  auto const wanted = decode_abandon_request(asked.request.body);
  if (!wanted) return refuse(wanted.error(), asked.request);
  return accepted(asked.service.abandon(RotationId(asked.argument), *wanted, asked.request.caller), asked);
}

ControlAnswer post_release(Asked const& asked) {
  auto const wanted = decode_release_request(asked.request.body);
  if (!wanted) return refuse(wanted.error(), asked.request);
  auto const answer = asked.service.release(*wanted, asked.request.caller);
  if (!answer) return refuse(answer.error(), asked.request);
  return ok(encode_release_answer(*answer));
}

struct Route {
  std::string_view method, before,
      after;  ///< The path is `before` + {id} + `after`; no {id} if it ends there.
  bool takes_id;
  Parameters parameters;
  ControlAnswer (*answer)(Asked const&);
};

std::array<Route, 11> const& table() {
  static std::array<Route, 11> const routes{
      Route{"GET", "/v1/status", "", false, {}, get_status},
      Route{"GET", "/v1/keys", "", false, {"provider", "status", "policy", "name"}, get_keys},
      Route{"GET", "/v1/resources", "", false, {}, get_resources},
      Route{"GET", "/v1/plan", "", false, {"until", "for"}, get_plan},
      Route{"GET", "/v1/rotations/", "", true, {}, get_rotation},
      Route{"POST", "/v1/rotate", "", false, {}, post_rotate},
      Route{"POST", "/v1/replace", "", false, {}, post_replace},
      Route{"POST", "/v1/reload", "", false, {}, post_reload},
      Route{"POST", "/v1/release", "", false, {}, post_release},
      Route{"POST", "/v1/rotations/", "/retry", true, {}, post_retry},
      Route{"POST", "/v1/rotations/", "/abandon", true, {}, post_abandon}};
  return routes;
}

/// What stands for {id} (empty if the route has none), or nothing if the path is not this route's.
std::optional<std::string> argument_of(Route const& route, std::string_view path) {
  if (!route.takes_id) return path == route.before ? std::optional(std::string()) : std::nullopt;
  if (!path.starts_with(route.before) || !path.ends_with(route.after)) return std::nullopt;
  if (path.size() <= route.before.size() + route.after.size()) return std::nullopt;
  path.remove_prefix(route.before.size());
  path.remove_suffix(route.after.size());
  if (path.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(path);
}

ControlAnswer no_such_path(ControlRequest const& request) {
  Error error = bad_request("there is no such path");
  error.error_class = ErrorClass::not_found;
  error.code = "no_such_path";
  error.remedy =
      "paths begin with /v1/: status, keys, resources, plan, rotations/ID, rotate, replace, reload, "
      "release";
  return refuse(404, std::move(error), request);
}

ControlAnswer no_such_method(ControlRequest const& request, std::string_view allowed) {
  Error error = bad_request(fmt::format("this path takes {}, not {}", allowed, request.method));
  error.error_class = ErrorClass::permanent;
  error.code = "no_such_method";
  return refuse(405, std::move(error), request);
}

}  // namespace

unsigned http_status(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::malformed:
      return 400;
    case ErrorClass::access:
      return 403;
    case ErrorClass::not_found:
      return 404;
    case ErrorClass::conflict:
      return 409;
    case ErrorClass::permanent:
      return 422;
    case ErrorClass::transient:
    case ErrorClass::cancelled:
      return 503;
    case ErrorClass::storage:
      return 500;
  }
  return 500;
}

ControlAnswer ControlRoutes::answer_now(ControlRequest const& request) {
  std::string allowed;
  for (Route const& route : table()) {
    auto argument = argument_of(route, request.path);
    if (!argument) continue;
    if (route.method != request.method) {
      allowed = route.method;
      continue;
    }
    if (auto unknown = unknown_parameter(request, route.parameters))
      return refuse(std::move(*unknown), request);
    return route.answer({.service = service_, .request = request, .argument = std::move(*argument)});
  }
  if (!allowed.empty()) return no_such_method(request, allowed);
  return no_such_path(request);
}

boost::asio::awaitable<ControlAnswer> ControlRoutes::answer(ControlRequest request) {
  co_return answer_now(request);
}

}  // namespace rekeyd::daemon
