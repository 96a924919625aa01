#include "shell/input.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace troupe::shell {

namespace {

constexpr std::chrono::milliseconds look_up_interval{200};

}  // namespace

LineReader::LineReader(int descriptor, Signals& signals, std::function<bool()> may_go_on)
    : descriptor_(descriptor), signals_(signals), may_go_on_(std::move(may_go_on)) {}

Line LineReader::next() {
  for (;;) {
    const std::size_t end = buffer_.find('\n', searched_);
    if (end != std::string::npos)
      return taken_line(end, end + 1);
    searched_ = buffer_.size();
    if (at_end_ && (skipping_ || !buffer_.empty()))
      return taken_line(buffer_.size(), buffer_.size());
    if (at_end_)
      return {};
    if (buffer_.size() > line_bytes_max) {
      skipping_ = true;
      buffer_.clear();
      searched_ = 0;
    }
    if (!fill())
      return {};
  }
}

/// Reads what there is. False if nothing more shall be read.
bool LineReader::fill() {
  for (;;) {
    const bool readable = signals_.wait(look_up_interval, descriptor_);
    if (signals_.interrupted() || signals_.stop_requested() || !may_go_on_())
      return false;
    if (!readable)
      continue;
    std::array<char, 65536> chunk{};
    const ssize_t size = read(descriptor_, chunk.data(), chunk.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    at_end_ = size <= 0;
    if (size > 0)
      buffer_.append(chunk.data(), static_cast<std::size_t>(size));
    return true;
  }
}

Line LineReader::taken_line(std::size_t size, std::size_t with_end) {
  const bool too_long = std::exchange(skipping_, false) || size > line_bytes_max;
  Line line{.kind = Line::Kind::too_long, .text = {}};
  if (!too_long)
    line = {.kind = Line::Kind::text, .text = buffer_.substr(0, size)};
  buffer_.erase(0, with_end);
  searched_ = 0;
  return line;
}

}  // namespace troupe::shell
