#include "storage/snapshots/snapshot_format.hpp"

#include "core/assert.hpp"
#include "storage/snapshots/snapshot_generated.h"
#include "wire/crc32c.hpp"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe::storage {

namespace {

using schema::SnapshotPart;
using schema::SnapshotRecord;

constexpr std::uint8_t format = 1;
constexpr std::size_t head_bytes = sizeof(SnapshotRecord);

/// The record's head is what its checksum covers, and the part behind it.
std::uint32_t checksum_of(Value head, Value part) {
  return wire::crc32c(part, wire::crc32c(head.subspan(sizeof(std::uint32_t))));
}

/// What the hash of a part is seeded with: its record, and so all that came before.
std::uint64_t seed_of(const SnapshotRecord& record, Chain previous) {
  const SnapshotRecord bare(0, record.size(), record.format(), record.part(), record.number(),
                            record.offset(), 0);
  return XXH3_64bits_withSeed(&bare, sizeof(bare), previous.value);
}

/// Makes the head of a record at `at`, and moves `at` behind the record.
std::vector<std::uint8_t> write_head(SnapshotPart kind, Value part, SnapshotPosition& at) {
  const auto size = static_cast<std::uint32_t>(part.size());
  SnapshotRecord record(0, size, format, kind, at.number, at.offset, 0);
  const Chain chain{XXH3_64bits_withSeed(part.data(), part.size(), seed_of(record, at.chain))};
  record = SnapshotRecord(0, size, format, kind, at.number, at.offset, chain.value);
  std::vector<std::uint8_t> head(head_bytes);
  std::memcpy(head.data(), &record, head_bytes);
  flatbuffers::WriteScalar(head.data(), checksum_of(head, part));
  at = {.number = at.number + 1, .offset = at.offset + head_bytes + size, .chain = chain};
  return head;
}

SnapshotRecord record_in(Value head) {
  SnapshotRecord record;
  std::memcpy(static_cast<void*>(&record), head.data(), head_bytes);
  return record;
}

/// What is wrong with a sound record as the one at `at`.
Problem check_place(const SnapshotRecord& record, const SnapshotPosition& at) {
  const bool is_title = record.part() == SnapshotPart::title;
  if (record.format() != format)
    return StoreError{StoreError::Kind::version,
                      "written in format " + std::to_string(record.format())
                          + ", this program knows format " + std::to_string(format)};
  if (record.number() != at.number || record.offset() != at.offset)
    return corrupt_at(at.number, at.offset,
                      "holds another record, " + std::to_string(record.number()) + " of offset "
                          + std::to_string(record.offset()));
  if (record.part() > SnapshotPart::end || is_title != (at.number == 0)
      || (record.part() == SnapshotPart::piece) != (record.size() > 0 && !is_title))
    return corrupt_at(at.number, at.offset, "is not what may stand there");
  return std::nullopt;
}

std::vector<std::uint8_t> write_title(const SnapshotTitle& title) {
  flatbuffers::FlatBufferBuilder builder;
  const std::string configuration = encode(title.place.configuration);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(configuration.data());
  const auto stored = builder.CreateVector(bytes, configuration.size());
  const auto kind = builder.CreateString(title.kind);
  builder.Finish(schema::CreateSnapshotTitle(
      builder, title.place.id.term.value, title.place.id.index.value, stored,
      title.place.configuration_index.value, title.cluster.value, kind));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

Problem read_title_part(Value part, SnapshotTitle& to) {
  const Bytes aligned = Bytes::copy_of(part);
  flatbuffers::Verifier verifier(aligned.data(), aligned.size());
  if (!verifier.VerifyBuffer<schema::SnapshotTitle>())
    return corrupt_at(0, 0, "is not a FlatBuffer of a title");
  const auto* title = flatbuffers::GetRoot<schema::SnapshotTitle>(aligned.data());
  if (title->configuration() == nullptr || title->kind() == nullptr)
    return corrupt_at(0, 0, "lacks a configuration or a kind");
  const auto* bytes = reinterpret_cast<const char*>(title->configuration()->data());
  const auto configuration = decode_configuration({bytes, title->configuration()->size()});
  if (!configuration)
    return corrupt_at(0, 0, "holds no configuration that can be read");
  to = {.place = {.id = {{title->term()}, {title->index()}},
                  .configuration = *configuration,
                  .configuration_index = {title->configuration_index()}},
        .cluster = {title->cluster()},
        .kind = title->kind()->str()};
  return std::nullopt;
}

/// A record with its part, checked against itself.
struct Part {
  SnapshotRecord record{};
  Bytes bytes{};
  SnapshotPosition next{};
};

/// Reads the record at `at`; of `at` its chain is not looked at. The number is known or is taken
/// from the record.
Outcome<Part> read_part(const ReadBytes& read, SnapshotPosition at, bool number_is_known) {
  auto head = read(at.offset, head_bytes);
  if (auto* error = std::get_if<StoreError>(&head))
    return *error;
  const Bytes& head_read = std::get<Bytes>(head);
  if (head_read.size() < head_bytes)
    return corrupt_at(at.number, at.offset, "is missing or cut short");
  Part part{.record = record_in(head_read.span())};
  if (part.record.size() > snapshot_piece_bytes_max)
    return corrupt_at(at.number, at.offset, "has an impossible size");
  auto body = read(at.offset + head_bytes, part.record.size());
  if (auto* error = std::get_if<StoreError>(&body))
    return *error;
  part.bytes = std::move(std::get<Bytes>(body));
  if (part.bytes.size() < part.record.size())
    return corrupt_at(at.number, at.offset, "is cut short");
  if (part.record.crc32c() != checksum_of(head_read.span(), part.bytes.span()))
    return corrupt_at(at.number, at.offset, "checksum mismatch");
  if (!number_is_known)
    at.number = part.record.number();
  if (auto problem = check_place(part.record, at))
    return *problem;
  part.next = {.number = at.number + 1,
               .offset = at.offset + head_bytes + part.record.size(),
               .chain = {part.record.chain()}};
  return part;
}

/// Whether `part` is what was written behind `previous`.
bool follows(const Part& part, Chain previous) {
  const std::uint64_t seed = seed_of(part.record, previous);
  return XXH3_64bits_withSeed(part.bytes.data(), part.bytes.size(), seed) == part.record.chain();
}

StoreError does_not_follow(const SnapshotPosition& at) {
  return corrupt_at(at.number, at.offset,
                    "does not follow from what is before it (of another snapshot)");
}

}  // namespace

StoreError corrupt_at(std::uint64_t number, std::uint64_t offset, const std::string& what) {
  const std::string part = number == 0 ? "title" : "piece " + std::to_string(number);
  return corrupt(part + ", offset " + std::to_string(offset) + ": " + what);
}

// ---- writing

std::vector<std::uint8_t> SnapshotWriter::title(const SnapshotTitle& title) {
  const std::vector<std::uint8_t> part = write_title(title);
  std::vector<std::uint8_t> all = write_head(SnapshotPart::title, part, at_);
  all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<std::uint8_t> SnapshotWriter::head_of(Value piece) {
  TROUPE_ASSERT(!piece.empty() && piece.size() <= snapshot_piece_bytes_max);
  return write_head(SnapshotPart::piece, piece, at_);
}

std::vector<std::uint8_t> SnapshotWriter::end() {
  return write_head(SnapshotPart::end, {}, at_);
}

SnapshotHead SnapshotWriter::head() const {
  return {.place = place_, .size_bytes = at_.offset, .hash = at_.chain.value};
}

// ---- scanning

SnapshotScanner::SnapshotScanner() : hash_(XXH3_createState()) {
  TROUPE_ASSERT(hash_ != nullptr);
}

Problem SnapshotScanner::feed(Value bytes) {
  while (!bytes.empty()) {
    if (complete_)
      return corrupt_at(at_.number, at_.offset, "is behind the end");
    if (head_.size() < head_bytes) {
      bytes = take_head(bytes);
      if (head_.size() < head_bytes)
        return std::nullopt;
      if (auto problem = begin_part())
        return problem;
    }
    bytes = take_part(bytes);
    if (part_left_ == 0)
      if (auto problem = end_part())
        return problem;
  }
  return std::nullopt;
}

Value SnapshotScanner::take_head(Value bytes) {
  const std::size_t taken = std::min(bytes.size(), head_bytes - head_.size());
  head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  return bytes.subspan(taken);
}

Problem SnapshotScanner::begin_part() {
  const SnapshotRecord record = record_in(head_);
  if (record.size() > snapshot_piece_bytes_max)
    return corrupt_at(at_.number, at_.offset, "has an impossible size");
  part_left_ = record.size();
  checksum_ = checksum_of(head_, {});
  XXH3_64bits_reset_withSeed(hash_.get(), seed_of(record, at_.chain));
  return std::nullopt;
}

Value SnapshotScanner::take_part(Value bytes) {
  const Value taken = bytes.first(std::min<std::uint64_t>(bytes.size(), part_left_));
  checksum_ = wire::crc32c(taken, checksum_);
  XXH3_64bits_update(hash_.get(), taken.data(), taken.size());
  if (at_.number == 0)
    title_bytes_.insert(title_bytes_.end(), taken.begin(), taken.end());
  part_left_ -= taken.size();
  return bytes.subspan(taken.size());
}

Problem SnapshotScanner::end_part() {
  const SnapshotRecord record = record_in(head_);
  if (record.crc32c() != checksum_)
    return corrupt_at(at_.number, at_.offset, "checksum mismatch");
  if (auto problem = check_place(record, at_))
    return problem;
  if (record.chain() != XXH3_64bits_digest(hash_.get()))
    return does_not_follow(at_);
  if (at_.number == 0)
    if (auto problem = read_title_part(title_bytes_, title_))
      return problem;
  complete_ = record.part() == SnapshotPart::end;
  at_ = {.number = at_.number + 1,
         .offset = at_.offset + head_bytes + record.size(),
         .chain = {record.chain()}};
  head_.clear();
  return std::nullopt;
}

void SnapshotScanner::rewind() {
  head_.clear();
  part_left_ = 0;
  if (at_.number == 0)
    title_bytes_.clear();
}

Problem SnapshotScanner::finish(const SnapshotHead& head) const {
  if (!complete_)
    return corrupt_at(at_.number, at_.offset, "is missing or cut short");
  if (at_.offset != head.size_bytes || at_.chain.value != head.hash || title_.place != head.place)
    return corrupt_at(0, 0, "is of another snapshot");
  return std::nullopt;
}

// ---- reading

Outcome<SnapshotTitle> read_title(const ReadBytes& read, const SnapshotHead& head) {
  const auto first = read_part(read, {}, true);
  if (const auto* error = std::get_if<StoreError>(&first))
    return *error;
  SnapshotTitle title;
  if (auto problem = read_title_part(std::get<Part>(first).bytes.span(), title))
    return *problem;
  if (head.size_bytes < head_bytes || title.place != head.place)
    return corrupt_at(0, 0, "is of another snapshot");
  const auto last = read_part(read, {.offset = head.size_bytes - head_bytes}, false);
  if (const auto* error = std::get_if<StoreError>(&last))
    return *error;
  const SnapshotRecord& end = std::get<Part>(last).record;
  if (end.part() != SnapshotPart::end || end.chain() != head.hash)
    return corrupt_at(end.number(), end.offset(), "is not the end of this snapshot");
  return title;
}

Outcome<SnapshotPiece> PieceReader::read(const ReadBytes& read, const SnapshotHead& head,
                                         std::uint64_t offset) {
  SnapshotPosition at{.offset = offset};
  if (offset == 0) {
    const auto title = read_part(read, {}, true);
    if (const auto* error = std::get_if<StoreError>(&title))
      return *error;
    if (!follows(std::get<Part>(title), {}))
      return does_not_follow({});
    at = std::get<Part>(title).next;
  }
  const bool is_next = offset == 0 || (head == head_ && offset == next_.offset);
  if (offset != 0 && is_next)
    at = next_;
  const auto outcome = read_part(read, at, is_next);
  if (const auto* error = std::get_if<StoreError>(&outcome))
    return *error;
  const Part& part = std::get<Part>(outcome);
  if (is_next && !follows(part, at.chain))
    return does_not_follow(at);
  const bool is_end = part.record.part() == SnapshotPart::end;
  if (is_end && (part.next.chain.value != head.hash || part.next.offset != head.size_bytes))
    return corrupt_at(part.record.number(), at.offset, "is not the end of this snapshot");
  head_ = head;
  next_ = part.next;
  return SnapshotPiece{.bytes = part.bytes, .next = part.next.offset, .last = is_end};
}

}  // namespace troupe::storage
