#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actors {

/// Writes lines to a file descriptor that may take them slowly or never, such as a pipe that nobody
/// reads.
///
/// `write` never waits for the descriptor: it puts the line into a bounded queue. A thread of its
/// own writes the queue in order, and may block for ever. A line that finds the queue full is
/// dropped and counted; the count is written as soon as the descriptor takes lines again. The
/// flags of the descriptor stay as they are, since other processes may share it. Lines up to
/// `PIPE_BUF` are not torn apart by what others write to the same pipe.
///
/// The thread starts with the first line. All signals are blocked in it.
class LineWriter {
public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    int fd = -1;
    std::size_t queued_bytes_max = std::size_t{256} << 10;
    /// The line that tells of so many dropped ones. Without it they are only counted.
    std::function<std::string(std::uint64_t dropped)> about_dropped{};
    /// The lines that are due at a time that `write_at` named. May be null.
    std::function<std::vector<std::string>(Clock::time_point now)> due{};
  };

  explicit LineWriter(Options options);
  /// As `flush` with a short deadline. A thread that is still blocked is left to itself.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// Queues a line, which ends with "\n". False if it was dropped. Thread-safe, as are the others.
  bool write(std::string line);
  /// Has `Options::due` asked at this time, and its lines written.
  void write_at(Clock::time_point when);
  /// Waits until all that was queued is written. False if it is not within `patience`.
  bool flush(std::chrono::milliseconds patience);
  std::uint64_t dropped() const;

private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// How long a process that exits waits for its last lines to be taken.
inline constexpr std::chrono::milliseconds last_lines_patience{300};

/// A line on stdout, without waiting for it to be taken. For processes that must not stop when
/// nobody reads what they print. What is queued at exit is written if it is taken in a short time.
void print_line(std::string_view text);

}  // namespace troupe::actors
