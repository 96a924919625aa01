#pragma once

#include "core/assert.hpp"
#include "machine/resource.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::resources {

/// Writes a state as bytes: the version of its format, then numbers (u64) and texts (u32 size and
/// bytes), little endian.
class SavedWriter {
public:
  explicit SavedWriter(std::uint8_t version) { fixed(version, 1); }
  /// What follows bytes that were written before.
  SavedWriter() = default;

  void number(std::uint64_t value) { fixed(value, 8); }
  void text(std::string_view value) {
    TROUPE_ASSERT(value.size() <= std::numeric_limits<std::uint32_t>::max());
    fixed(value.size(), 4);
    bytes_ += value;
  }
  std::size_t size() const { return bytes_.size(); }
  std::string take() { return std::exchange(bytes_, {}); }

private:
  void fixed(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
      bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
  }

  std::string bytes_{};
};

/// Reads what `SavedWriter` wrote. What is missing reads as 0 and empty, and makes the reader not
/// `good` for ever: check once, behind the last read.
class SavedReader {
public:
  /// Refers to `saved`, as do the texts that it gives.
  SavedReader(machine::View saved, std::uint8_t version) : left_(machine::text(saved)) {
    good_ = fixed(1) == version;
  }
  /// What follows bytes that were read before.
  explicit SavedReader(std::string_view left) : left_(left) {}

  std::uint64_t number() { return fixed(8); }
  std::string_view text() { return taken(fixed(4)); }

  bool good() const { return good_; }
  /// Everything was read, and all of it was there.
  bool at_end() const { return good_ && left_.empty(); }
  /// What is not read yet.
  std::string_view left() const { return left_; }

private:
  std::uint64_t fixed(std::size_t size) {
    const std::string_view bytes = taken(size);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return value;
  }

  std::string_view taken(std::uint64_t size) {
    good_ = good_ && size <= left_.size();
    if (!good_)
      return {};
    const std::string_view result = left_.substr(0, size);
    left_.remove_prefix(size);
    return result;
  }

  std::string_view left_;
  bool good_ = true;
};

}  // namespace troupe::resources
