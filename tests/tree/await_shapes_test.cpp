#include "tests/tree/await_shapes.hpp"

#include "tests/tree/source_tree.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::tree;

namespace {

// What GCC 12.2 crashes on, each found by running it.
constexpr char const* bad[] = {
    "auto r = co_await f(Request{a, b});",
    "auto r = co_await f({.name = n});",
    "co_await f(Policy{});",
    "co_await f(std::array{a, b});",
    "co_await S{}.go();",
    "A a{co_await f(), 1};",
    "v.push_back(A{co_await f(), 1});",
    "co_await f({a, b, c});",
    "std::vector<T> v{co_await f(), x};",
    "A a = {co_await f(), 1};",
    "auto r = b ? co_await f() : T(1);",
    "co_await f(b ? x() : y());",
    "co_await co_spawn(ex, [t]() -> awaitable<void> { co_return; }, use_awaitable);",
    "auto n = co_await with([t] { return t.size(); });",
    "co_await async_initiate<X, void()>([t](auto h) { post(std::move(h)); }, use_awaitable);",
    "co_await [t]() -> awaitable<void> { co_return; }();",
    "co_await with([=, &x](int n) mutable noexcept { return n; });",
    "if (auto r = co_await f(Request{a}); r) { g(); }",
    "while (co_await f(A{1})) { g(); }",
    "for (auto& x : co_await f(A{1})) { g(x); }",
    "co_return co_await f(A{1});",
    "auto r = co_await f(std::move(a),\n              B{2});",
    "co_await (f(A{1}) || g());",
    "co_spawn(io, [t]() -> awaitable<void> { co_await f(t); }(), detached);",
};

constexpr char const* good[] = {
    "auto r = co_await f(std::move(request));",
    "Request request{a, b}; auto r = co_await f(request);",
    "auto op = f(A{1}); auto r = co_await std::move(op);",
    "auto r = co_await f(std::string(x), make(y));",
    "auto [ec, size] = co_await async_read(stream, buffer(x), as_tuple);",
    "if (auto r = co_await f(); r) { g(A{1}); }",
    "while (auto x = co_await f()) { v = {1, 2}; }",
    "for (auto& x : co_await f()) { use(B{x}); }",
    "for (;;) { co_await f(); }",
    "co_return A{1, 2};",
    "throw A{1};",
    "auto x = b ? A{1} : A{2}; co_await f(x);",
    "awaitable<int> f() { co_await g(); co_return 1; }",
    "awaitable<int> f() override { co_await g(); }",
    "auto f() -> awaitable<int> { co_await g(); }",
    "try { co_await f(); } catch (std::exception const& e) { failed = true; }",
    "if (a) { co_await f(); } else { co_await g(); }",
    "do { co_await f(); } while (more());",
    "switch (k) { case 1: { co_await f(); break; } default: co_await g(); }",
    "auto init = [t](auto h) { post(h); }; co_await async_initiate<X, void()>(init, use_awaitable);",
    "auto task = [t]() -> awaitable<void> { co_await f(t); }; co_spawn(io, task, detached);",
    "co_await with([] { return 11; });",
    "co_await (f() || clock.sleep_until(deadline));",
    "v[i] = co_await f(v[j]);",
    "struct S { int a{1}; awaitable<void> f() const { co_await g(a); } };",
    "namespace a { namespace { awaitable<void> f() { co_await g(); } } }",
    "template <class T> struct S : B<T> { awaitable<void> f() { co_await g(); } };",
    "constexpr int k{3}; awaitable<void> f() { co_await g(k); }",
    "run([&]() -> awaitable<void> { co_await f(); }());",
    "Foo::Foo(int a) : a_(a), b_{2} { start(); } awaitable<void> f() { co_await g(); }",
    "// co_await f(A{1});\nco_await g();",
    "note(\"co_await f(A{1}) ? x : y\"); co_await g(\"a ? {b}\");",
    "co_await f('?', '{', 1'000);",
    "auto text = R\"(co_await f({1});)\"; co_await g();",
    "#define X(a) \\\n  {a}\nco_await g();",
};

}  // namespace

TEST_CASE("the check finds every shape that is known to crash") {
  for (auto const* snippet : bad) {
    CAPTURE(snippet);
    CHECK_FALSE(find_risky_awaits(code_of(snippet)).empty());
    auto const in_function = "awaitable<void> f(int a) {\n  " + std::string(snippet) + "\n}\n";
    auto const found = find_risky_awaits(code_of(in_function));
    REQUIRE_FALSE(found.empty());
    CHECK(found.front().line == 2);
  }
}

TEST_CASE("the check leaves alone what is sound") {
  for (auto const* snippet : good) {
    CAPTURE(snippet);
    auto const in_function = "awaitable<void> f(int a) {\n  " + std::string(snippet) + "\n}\n";
    for (auto const& found : find_risky_awaits(code_of(in_function)))
      FAIL_CHECK(found.line << ": " << found.shape);
  }
}

TEST_CASE("comments and quoted texts are no code, and lines keep their numbers") {
  CHECK(code_of("a // b\nc") == "a     \nc");
  CHECK(code_of("a /* b\n */ c") == "a     \n    c");
  CHECK(code_of(R"(f("x\"y", '"', 1'000);)") == R"(f("    ", ' ', 1'000);)");
  CHECK(code_of("R\"x(a)\" b)x\" c") == "R\"         \" c");
  CHECK(line_of("a\nb\nc", 4) == 3);
}
