#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// Immutable bytes with shared ownership. A `Bytes` may be a slice of a larger
/// buffer (a command inside the frame it arrived in): copying one costs a
/// reference count, never a copy of what it refers to.
class Bytes {
public:
  Bytes() = default;

  /// Refers to `view`, which lies inside what `owner` keeps alive.
  Bytes(std::shared_ptr<const void> owner, std::span<const std::uint8_t> view)
      : owner_(std::move(owner)), view_(view) {}

  /// Takes the place of a copy where the bytes are few or not shared yet.
  static Bytes copy_of(std::string_view text) {
    auto owner = std::make_shared<const std::string>(text);
    const auto* data = reinterpret_cast<const std::uint8_t*>(owner->data());
    const std::size_t size = owner->size();
    return {std::move(owner), {data, size}};
  }
  static Bytes copy_of(std::span<const std::uint8_t> bytes) {
    return copy_of(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

  std::span<const std::uint8_t> span() const { return view_; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(view_.data()), view_.size()};
  }
  const std::uint8_t* data() const { return view_.data(); }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }

  friend bool operator==(const Bytes& a, const Bytes& b) { return a.text() == b.text(); }

private:
  std::shared_ptr<const void> owner_{};
  std::span<const std::uint8_t> view_{};
};

}  // namespace troupe
