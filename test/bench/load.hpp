#pragma once

#include "actors/node/node.hpp"
#include "core/types.hpp"
#include "test/bench/histogram.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

struct LoadOptions {
  std::vector<std::string> peers{};                   ///< Full names.
  const troupe::actors::Node* embedded_in = nullptr;  ///< Null: the clients are nobody's.
  std::size_t in_flight = 1;                          ///< In all, shared out among the clients.
  std::size_t clients = 1;
  std::size_t value_bytes = 256;
  std::size_t keys = 10'000;
  bool keys_in_turn = false;  ///< One after the other, instead of at random.
  unsigned writes_percent = 100;
  troupe::ReadLevel level = troupe::ReadLevel::linearizable;
  std::uint64_t calls_max = 0;  ///< Then it ends by itself; 0: not before `stop`.
};

/// The longest time without an acknowledgement.
struct Pause {
  Clock::time_point from{};
  Clock::time_point to{};
};

/// Another leader answered.
struct Succession {
  Pause pause{};           ///< The longest until then, since it was expected.
  Clock::time_point at{};  ///< Its first answer.
};

/// Calls to one cluster, as many at a time as asked for: whenever one is answered the next one
/// leaves. What failed is tried again, and its time goes on.
class Load {
public:
  explicit Load(LoadOptions options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void start();
  /// No further calls; waits for those under way.
  void stop();
  /// Until `calls_max` were answered.
  void wait();

  /// How long calls took since this was last asked.
  Histogram take();
  /// The longest pause since this was last asked.
  Pause take_pause();
  /// From here on another leader than `leader`, a full name, is to be looked out for, and pauses
  /// count from here on.
  void expect_successor(std::string leader);
  /// Nothing until it has answered.
  std::optional<Succession> succession() const;
  Clock::time_point last_answer() const;
  std::uint64_t answered() const;
  /// Calls that were refused or in doubt, and tried again.
  std::uint64_t failed() const;

private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// The key of a number: all have the same length.
std::string key_of(std::uint64_t number);

}  // namespace bench
