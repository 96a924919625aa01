#pragma once

#include "test/bench/histogram.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// Bytes of a call and of its answer, heads included.
struct FrameSizes {
  std::size_t request_bytes = 0;
  std::size_t reply_bytes = 0;
};

/// A server that costs no more than the kernel: one thread, one epoll, an answer of `reply_bytes`
/// for each `request_bytes` that came. In a process of its own, which ends with this object.
class EchoServer {
public:
  explicit EchoServer(FrameSizes sizes);
  ~EchoServer();
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  const std::string& address() const { return address_; }
  pid_t pid() const { return child_; }

private:
  std::string address_{};
  pid_t child_ = -1;
};

struct RawCallsOptions {
  std::string address{};
  std::size_t connections = 1;
  /// Frames, the same over every connection. `hello` is answered with one frame; empty: there are
  /// no hellos, as with an echo.
  std::vector<std::uint8_t> hello{};
  std::vector<std::uint8_t> request{};
  std::size_t echo_bytes = 0;  ///< Of an echo: what answers a request. 0: frames do.
};

/// Many connections with one call in flight each, from one thread with one epoll: what a client
/// costs that does nothing but call. Threads are its own while it runs; between runs connections
/// stay open and idle.
class RawCalls {
public:
  /// Connects, and waits for all hellos. Throws where that fails or takes more than ten seconds.
  explicit RawCalls(RawCallsOptions options);
  ~RawCalls();
  RawCalls(const RawCalls&) = delete;
  RawCalls& operator=(const RawCalls&) = delete;

  /// Calls for so long, after a warm-up, and waits for the last answers. Returns how long calls
  /// took. Throws if a connection ends, or where an answer does not come for ten seconds.
  Histogram run(double warm_up_seconds, double seconds);
  /// Of the last run: between the first and the last answer that counted.
  double seconds() const;

  /// Answers other than `Refusal::none` and `Refusal::resource`, of all runs.
  std::uint64_t failed() const;
  FrameSizes sizes() const;

private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Has this process open as many files as it may.
void raise_file_limit();

}  // namespace bench
