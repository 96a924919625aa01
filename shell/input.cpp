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
    if (end <= part_bytes_max)
      return taken(Line::Kind::text, end, end + 1);
    if (buffer_.size() > part_bytes_max)
      return taken(Line::Kind::part, part_bytes_max, part_bytes_max);
    searched_ = buffer_.size();
    if (at_end_ && !buffer_.empty())
      return taken(Line::Kind::text, buffer_.size(), buffer_.size());
    if (at_end_ || !fill())
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

Line LineReader::taken(Line::Kind kind, std::size_t size, std::size_t with_end) {
  Line line{.kind = kind, .text = buffer_.substr(0, size)};
  buffer_.erase(0, with_end);
  searched_ = 0;
  return line;
}

}  // namespace troupe::shell
