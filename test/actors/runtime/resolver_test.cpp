#include "actors/runtime/resolver.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace troupe::actors;
using namespace std::chrono_literals;

namespace {

/// A resolver whose servers answer when they are told to.
class Servers {
public:
  Resolution look_up(const std::string& host) {
    std::unique_lock lock(mutex_);
    ++asked_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return answering_; });
    if (host == "missing")
      return std::string("no such name");
    return std::vector{*parse_ip("127.0.0.1")};
  }
  void answer() {
    const std::lock_guard lock(mutex_);
    answering_ = true;
    changed_.notify_all();
  }
  void await_asked(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_ >= count; });
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  bool answering_ = false;
  int asked_ = 0;
};

/// Threads may outlive the test that had them started.
struct Stage {
  Stage() : servers(std::make_shared<Servers>()) {}
  ~Stage() { servers->answer(); }

  Resolution resolve(const std::string& host, std::chrono::milliseconds patience) {
    return resolver.resolve(host, Resolver::Clock::now() + patience, cancelled);
  }
  Resolution resolve_when_answered(const std::string& host) {
    auto asked = std::async(std::launch::async, [&] { return resolve(host, 1min); });
    servers->await_asked(1);
    servers->answer();
    return asked.get();
  }

  std::shared_ptr<Servers> servers;
  Resolver resolver{
      [servers = servers](const std::string& host) { return servers->look_up(host); }};
  std::atomic<bool> cancelled{false};
};

std::string error_of(const Resolution& resolution) {
  const auto* error = std::get_if<std::string>(&resolution);
  return error == nullptr ? std::string() : *error;
}

}  // namespace

TEST_CASE("a name is looked up, and what is wrong with it is told") {
  Stage stage;
  stage.servers->answer();

  const auto found = stage.resolve("here", 1min);

  REQUIRE(error_of(found).empty());
  CHECK(scope_of(std::get<std::vector<IpAddress>>(found).at(0)) == Scope::loopback);
  CHECK(error_of(stage.resolve("missing", 1min)) == "no such name");
}

TEST_CASE("an address in numbers is asked of nobody") {
  Stage stage;

  CHECK(error_of(stage.resolve("127.0.0.1", 1min)).empty());
  CHECK(error_of(stage.resolve("::1", 1min)).empty());
  CHECK(stage.servers->asked() == 0);
}

TEST_CASE("a resolver with dead servers holds nobody longer than asked") {
  Stage stage;

  CHECK(error_of(stage.resolve("here", 20ms)) == "looking up here takes too long");
  stage.cancelled = true;
  CHECK(error_of(stage.resolve("there", 1min)) == "cancelled");
}

TEST_CASE("a name that is being looked up is not looked up again, and a late answer is used") {
  Stage stage;
  for (int i = 0; i < 10; ++i)
    CHECK(!error_of(stage.resolve("here", 1ms)).empty());
  stage.servers->await_asked(1);
  CHECK(stage.servers->asked() == 1);

  CHECK(error_of(stage.resolve_when_answered("here")).empty());
  CHECK(stage.servers->asked() == 1);

  // It was told to those who waited. The next one wants to know anew.
  CHECK(error_of(stage.resolve("here", 1min)).empty());
  CHECK(stage.servers->asked() == 2);
}

TEST_CASE(
    "names that are looked up at one time are bounded, and their end is waited for by nobody") {
  Stage stage;
  for (std::size_t i = 0; i < Resolver::looks_max; ++i)
    CHECK(error_of(stage.resolve("host" + std::to_string(i), 0ms)).ends_with("too long"));

  CHECK(error_of(stage.resolve("one-more", 1min)) == "too many names are being looked up");
  CHECK(error_of(stage.resolve("127.0.0.1", 1min)).empty());
  stage.servers->answer();
  CHECK(error_of(stage.resolve("host0", 1min)).empty());
}
