#pragma once

#include "shell/signals.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace troupe::shell {

/// What a shell was given to do next.
struct Line {
  enum class Kind {
    text,       ///< Without its end.
    part,       ///< Of a line that is too long for one piece; the rest follows.
    cancelled,  ///< By Ctrl-C, while it was typed.
    end,        ///< Of the input, or of the process: nothing follows.
  };
  Kind kind = Kind::end;
  std::string text{};
};

/// The longest piece of a line.
inline constexpr std::size_t part_bytes_max = std::size_t{1} << 20;

/// The lines of a descriptor that is no terminal: a file or a pipe.
class LineReader {
public:
  /// `may_go_on` is asked from time to time while nothing comes; false ends the input.
  LineReader(int descriptor, Signals& signals, std::function<bool()> may_go_on);

  Line next();

private:
  bool fill();
  Line taken(Line::Kind kind, std::size_t size, std::size_t with_end);

  int descriptor_;
  Signals& signals_;
  std::function<bool()> may_go_on_;
  std::string buffer_{};
  std::size_t searched_ = 0;  ///< Bytes of `buffer_` that hold no end of line.
  bool at_end_ = false;
};

}  // namespace troupe::shell
