#pragma once

#include "machine/resource.hpp"

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::resources {

/// Bytes from outside, read as a FlatBuffer whose root is a `Root`. For the sources of resources.
///
/// Whether bytes are accepted depends on the bytes alone, so that all replicas agree on it.
template <class Root>
class Flat {
public:
  /// Refers to `bytes`, which must live as long.
  explicit Flat(machine::View bytes) : bytes_(in_place(bytes)) {
    flatbuffers::Verifier verifier(bytes_.data(), bytes_.size());
    if (verifier.VerifyBuffer<Root>(nullptr))
      root_ = flatbuffers::GetRoot<Root>(bytes_.data());
  }
  ~Flat() = default;
  Flat(const Flat&) = delete;
  Flat& operator=(const Flat&) = delete;

  /// Whether the bytes are such a FlatBuffer. Nothing else may be asked if not.
  explicit operator bool() const { return root_ != nullptr; }
  const Root* operator->() const { return root_; }
  const Root& operator*() const { return *root_; }

private:
  /// FlatBuffers reads numbers where they lie; frames, logs and disks put bytes anywhere.
  machine::View in_place(machine::View bytes) {
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(std::uint64_t) == 0)
      return bytes;
    copy_.assign(bytes.begin(), bytes.end());
    return copy_;
  }

  std::vector<std::uint8_t> copy_{};
  machine::View bytes_;
  const Root* root_ = nullptr;
};

/// What `builder` has finished.
inline std::string bytes_of(const flatbuffers::FlatBufferBuilder& builder) {
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

}  // namespace troupe::resources
