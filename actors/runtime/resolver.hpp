#pragma once

#include "actors/runtime/ip_address.hpp"
#include "core/types.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace troupe::actors {

/// The addresses of a host, in the order in which to try them, never none; or why there are none.
using Resolution = std::variant<std::vector<IpAddress>, std::string>;

/// Looks names up, for as long as the caller likes and no longer.
///
/// The system's resolver cannot be interrupted, and one whose servers are dead takes ten seconds
/// and more. Each name is looked up on a thread of its own. Callers that ask for the same name wait
/// for the same thread. A caller that gives up leaves the thread to itself: the next one that asks
/// soon gets its answer. So a resolver that is slower than the caller's timeout is of use all the
/// same.
class Resolver {
public:
  using Clock = std::chrono::steady_clock;
  using LookUp = std::function<Resolution(const std::string& host)>;

  /// Names that are looked up at the same time, each with its thread.
  static constexpr std::size_t looks_max = 64;

  /// `look_up` may be called until it returns, also when the resolver is gone.
  explicit Resolver(LookUp look_up);

  /// Asks getaddrinfo. One for the whole process, which is never destroyed.
  static Resolver& of_system();

  /// The addresses of `host`, with port 0. One in numbers is asked of nobody. An error after
  /// `deadline`, or when `cancelled` is set, which is seen within 50 ms.
  Resolution resolve(const std::string& host, Clock::time_point deadline,
                     const std::atomic<bool>& cancelled) const;

private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace troupe::actors
