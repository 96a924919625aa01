#pragma once

/// What the codecs of this layer share. Internal: include packet.hpp instead.

#include "core/bytes.hpp"
#include "wire/packet.hpp"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace troupe::wire {

namespace schema {
struct Calls;
struct CallReplies;
struct Hello;
struct PeerMessages;
struct Request;
struct Response;
}  // namespace schema

/// Payloads travel in one blob, each at a multiple of this.
inline constexpr std::size_t blob_alignment = 8;

constexpr std::size_t padded(std::size_t size) {
  return (size + blob_alignment - 1) / blob_alignment * blob_alignment;
}

/// Counters never get there; what does is nonsense, and would overflow on its way up.
inline constexpr std::uint64_t counter_max = (std::uint64_t{1} << 63) - 1;

/// Reads one frame: knows what is wrong with it and how much of it was accounted for.
class Decoder {
public:
  explicit Decoder(const Bytes& frame)
      : frame_(std::make_shared<const Bytes>(frame)), budget_(frame.size()) {}

  /// False, and remembers `problem`, unless `ok`. The first problem stays.
  bool check(bool ok, const char* problem) {
    if (!ok && problem_.empty())
      problem_ = problem;
    return ok;
  }

  /// Accounts for `size` bytes of the frame. A FlatBuffer may refer to the same bytes from many
  /// places, so that a small frame reads as a huge packet; ours never do, so that everything
  /// read from a frame fits into it.
  bool spend(std::size_t size) {
    if (!check(size <= budget_, "the same bytes are referred to twice"))
      return false;
    budget_ -= size;
    return true;
  }

  /// At the end: nearly all of the frame was accounted for.
  bool check_end() {
    return check(budget_ <= unreferenced_bytes_max + frame_->size() / 8,
                 "bytes that no field refers to");
  }

  /// Accounts for a list of so many offsets.
  bool list(std::size_t count) { return spend(offset_bytes + count * offset_bytes); }

  /// Accounts for a table, by what it says of its size, but for at most what any of ours takes that
  /// stands in a list.
  template <class Table>
  bool table(const Table& from, std::size_t size_min = 0) {
    constexpr std::size_t size_max = 128;
    const auto* vtable = reinterpret_cast<const flatbuffers::Table*>(&from)->GetVTable();
    using Size = flatbuffers::voffset_t;
    const std::size_t size = flatbuffers::ReadScalar<Size>(vtable) < 2 * sizeof(Size)
                                 ? 0
                                 : flatbuffers::ReadScalar<Size>(vtable + sizeof(Size));
    return spend(std::max(size_min, std::min(size, size_max)));
  }

  /// How many voters to keep, and after what time to replace one.
  bool policy(std::uint32_t count, std::uint64_t after_us, VoterPolicy& to) {
    to = {.count = count, .after = Duration(static_cast<Duration::rep>(after_us))};
    return counter(after_us) && check((count == 0) == (after_us == 0), "half a policy");
  }

  bool counter(std::uint64_t value) { return check(value <= counter_max, "number out of range"); }

  /// An absent string is an empty one.
  bool text(const flatbuffers::String* from, std::size_t size_max, std::string& to) {
    if (from == nullptr)
      return true;
    // Behind its size, and with a zero at its end.
    const std::size_t size = offset_bytes + from->size() + 1;
    if (!check(from->size() <= size_max, "text too long")
        || !spend((size + offset_bytes - 1) / offset_bytes * offset_bytes))
      return false;
    to.assign(from->c_str(), from->size());
    return true;
  }

  /// A vector of structs, to be read in place. The verifier knows where it lies, but not that its
  /// elements need more alignment than its length. An absent vector is an empty one,
  /// and an empty one lies anywhere.
  template <class Struct>
  bool structs(const flatbuffers::Vector<const Struct*>* from, std::span<const Struct>& to) {
    if (from == nullptr || from->size() == 0)
      return true;
    const std::uint8_t* data = from->Data();
    if (!check(reinterpret_cast<std::uintptr_t>(data) % alignof(Struct) == 0, "list not aligned")
        || !spend(from->size() * sizeof(Struct)))
      return false;
    to = {reinterpret_cast<const Struct*>(data), from->size()};
    return true;
  }

  /// Bytes of the frame, kept alive by what is returned.
  Bytes slice(std::span<const std::uint8_t> bytes) const {
    return bytes.empty() ? Bytes{} : Bytes{frame_, bytes};
  }

  const std::string& problem() const { return problem_; }

private:
  static constexpr std::size_t offset_bytes = sizeof(flatbuffers::uoffset_t);

  std::shared_ptr<const Bytes> frame_;
  std::size_t budget_;
  std::string problem_{};
};

/// Reads the pieces of a blob, in order.
class BlobReader {
public:
  BlobReader(Decoder& decoder, const flatbuffers::Vector<std::uint8_t>* blob) : decoder_(decoder) {
    if (blob != nullptr)
      rest_ = {blob->data(), blob->size()};
  }

  /// Once, before anything is taken.
  bool check_start() {
    const auto address = reinterpret_cast<std::uintptr_t>(rest_.data());
    return decoder_.check(rest_.empty() || address % blob_alignment == 0, "blob not aligned")
           && decoder_.spend(rest_.size());
  }
  bool take(std::size_t size, Bytes& to) {
    if (!decoder_.check(padded(size) <= rest_.size(), "sizes exceed the blob"))
      return false;
    to = decoder_.slice(rest_.first(size));
    rest_ = rest_.subspan(padded(size));
    return true;
  }
  /// Once, after everything was taken.
  bool check_end() { return decoder_.check(rest_.empty(), "sizes do not fill the blob"); }

private:
  Decoder& decoder_;
  std::span<const std::uint8_t> rest_{};
};

/// Writes the pieces of a blob, in order. The blob stays where it is only until the builder is
/// asked for something else.
class BlobWriter {
public:
  BlobWriter(flatbuffers::FlatBufferBuilder& builder, std::size_t size) {
    builder.ForceVectorAlignment(size, 1, blob_alignment);
    offset_ = builder.CreateUninitializedVector<std::uint8_t>(size, &next_);
  }
  void put(std::string_view piece) {
    next_ = std::copy(piece.begin(), piece.end(), next_);
    next_ = std::fill_n(next_, padded(piece.size()) - piece.size(), std::uint8_t{0});
  }
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> offset() const { return offset_; }

private:
  std::uint8_t* next_ = nullptr;
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> offset_{};
};

// One pair for each packet. `unpack` returns false where `decoder` knows a problem.
flatbuffers::Offset<schema::Hello> pack(flatbuffers::FlatBufferBuilder& to, const Hello& hello);
flatbuffers::Offset<schema::PeerMessages> pack(flatbuffers::FlatBufferBuilder& to,
                                               const PeerMessages& messages);
flatbuffers::Offset<schema::Calls> pack(flatbuffers::FlatBufferBuilder& to, const Calls& calls);
flatbuffers::Offset<schema::CallReplies> pack(flatbuffers::FlatBufferBuilder& to,
                                              const CallReplies& replies);
flatbuffers::Offset<schema::Request> pack(flatbuffers::FlatBufferBuilder& to,
                                          const Request& request);
flatbuffers::Offset<schema::Response> pack(flatbuffers::FlatBufferBuilder& to,
                                           const Response& response);

bool unpack(const schema::Hello& from, Decoder& decoder, Hello& to);
bool unpack(const schema::PeerMessages& from, Decoder& decoder, PeerMessages& to);
bool unpack(const schema::Calls& from, Decoder& decoder, Calls& to);
bool unpack(const schema::CallReplies& from, Decoder& decoder, CallReplies& to);
bool unpack(const schema::Request& from, Decoder& decoder, Request& to);
bool unpack(const schema::Response& from, Decoder& decoder, Response& to);

/// Roughly how many bytes a packet takes, so that its buffer need not grow while it is built.
std::size_t size_hint(const PeerMessages& messages);
std::size_t size_hint(const Calls& calls);
std::size_t size_hint(const CallReplies& replies);

}  // namespace troupe::wire
