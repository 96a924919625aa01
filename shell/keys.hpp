#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::shell {

/// Puts together the sequences of bytes that terminals send for keys without a character, and turns
/// each into one that the editor knows, or into nothing. Otherwise the end of a sequence that the
/// editor does not know would be typed: `5~` for F5.
class Keys {
public:
  /// The bytes for the editor, now that `byte` was read.
  std::string add(char byte);
  /// Whether the last bytes may be the beginning of a sequence.
  bool is_waiting() const { return !begun_.empty(); }
  /// How long the next byte may take. Escape alone is a key; what has begun beyond it may come
  /// over a slow line.
  std::chrono::milliseconds patience() const;
  /// The bytes for the editor, when nothing followed in time.
  std::string give_up();

private:
  bool is_complete() const;

  std::string begun_{};  ///< A sequence up to here.
};

/// Of a complete sequence, which begins with Escape: the bytes that the editor knows for its key.
std::string translated(std::string_view sequence);

}  // namespace troupe::shell
