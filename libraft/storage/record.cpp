#include "storage/record.hpp"

#include "core/assert.hpp"
#include "storage/record_generated.h"
#include "wire/crc32c.hpp"

#include <flatbuffers/flatbuffers.h>
#include <xxhash.h>

#include <cstring>
#include <limits>
#include <utility>

namespace troupe::storage {

namespace {

constexpr std::uint8_t record_format = 1;
/// Of a state whose peer was set back. It looks like any other; but a program that does not know
/// what that means must not let the peer vote.
constexpr std::uint8_t set_back_format = 2;

/// The first field of every value; the rest is what it is the checksum of.
constexpr std::size_t checksum_bytes = sizeof(std::uint32_t);

std::uint32_t checksum_of(Value value) {
  return wire::crc32c(value.subspan(checksum_bytes));
}

/// Puts the checksum into a complete value.
void seal(std::span<std::uint8_t> value) {
  flatbuffers::WriteScalar(value.data(), checksum_of(value));
}

/// Copies the struct at the start of `value` out. False if there is none, or its checksum or that
/// of what follows it is wrong.
template <class Struct>
bool open(Value value, Struct& to) {
  if (value.size() < sizeof(Struct))
    return false;
  std::memcpy(static_cast<void*>(&to), value.data(), sizeof(Struct));
  return to.crc32c() == checksum_of(value);
}

template <class Struct>
std::vector<std::uint8_t> sealed(const Struct& value) {
  std::vector<std::uint8_t> all(sizeof(Struct));
  std::memcpy(all.data(), &value, sizeof(Struct));
  seal(all);
  return all;
}

StoreError mismatch() {
  return corrupt("checksum mismatch");
}

Problem check_format(std::uint32_t format, std::uint32_t known) {
  if (format == known)
    return std::nullopt;
  return StoreError{StoreError::Kind::version, "written in format " + std::to_string(format)
                                                   + ", this program knows format "
                                                   + std::to_string(known)};
}

Problem check_size(std::size_t size, std::size_t wanted) {
  if (size == wanted)
    return std::nullopt;
  return corrupt("holds " + std::to_string(size) + " bytes instead of " + std::to_string(wanted));
}

/// The value of a complete FlatBuffer.
std::vector<std::uint8_t> sealed_table(const flatbuffers::FlatBufferBuilder& builder) {
  const schema::TableHead head(0, builder.GetSize());
  std::vector<std::uint8_t> all(sizeof(head) + builder.GetSize());
  std::memcpy(all.data(), &head, sizeof(head));
  std::memcpy(all.data() + sizeof(head), builder.GetBufferPointer(), builder.GetSize());
  seal(all);
  return all;
}

/// The FlatBuffer in `value`, at an address where it can be read.
Problem open_table(Value value, Bytes& to) {
  schema::TableHead head;
  if (!open(value, head))
    return mismatch();
  const Value body = value.subspan(sizeof(head));
  if (auto problem = check_size(body.size(), head.size()))
    return problem;
  to = Bytes::copy_of(body);
  return std::nullopt;
}

schema::RecordHead head_of(const StoredEntry& entry) {
  return {0,
          static_cast<std::uint32_t>(entry.payload.size()),
          record_format,
          static_cast<std::uint8_t>(entry.kind),
          entry.id.term.value,
          entry.id.index.value,
          entry.chain.value};
}

/// The chain of `entry` behind `previous`. Head and payload lie apart, so one seeds the other.
Chain chain_of(StoredEntry entry, Chain previous) {
  entry.chain = {};
  const schema::RecordHead head = head_of(entry);
  const std::uint64_t seed = XXH3_64bits_withSeed(&head, sizeof(head), previous.value);
  return {XXH3_64bits_withSeed(entry.payload.data(), entry.payload.size(), seed)};
}

/// Takes the holes out of the payload.
Problem read_holes(StoredEntry& to) {
  schema::HolesHead head;
  constexpr std::size_t each = sizeof(schema::HolesOfTerm);
  if (to.payload.size() < sizeof(head) + each || (to.payload.size() - sizeof(head)) % each != 0)
    return corrupt("holds no holes");
  std::memcpy(static_cast<void*>(&head), to.payload.data(), sizeof(head));
  to.holes = {.first = to.id.index, .terms = {}, .before = {head.before()}, .chain = to.chain};
  for (std::size_t at = sizeof(head); at < to.payload.size(); at += each) {
    schema::HolesOfTerm holes;
    std::memcpy(static_cast<void*>(&holes), to.payload.data() + at, each);
    const Term previous = to.holes.terms.empty() ? Term{} : to.holes.terms.back().term;
    if (holes.count() == 0 || Term{holes.term()} < previous)
      return corrupt("holds holes that cannot be");
    to.holes.terms.push_back({.term = {holes.term()}, .count = holes.count()});
  }
  if (to.holes.terms.front().term != to.id.term)
    return corrupt("holds holes of another term");
  return std::nullopt;
}

}  // namespace

StoreError corrupt(std::string text) {
  return {StoreError::Kind::corrupt, std::move(text)};
}

Tail empty_tail(PeerId peer) {
  return {.last = {},
          .chain = {XXH3_64bits_withSeed(&peer.value, sizeof(peer.value), store_format)}};
}

Tail tail_behind(PeerId peer, EntryId last) {
  const std::uint64_t seed =
      XXH3_64bits_withSeed(&last.term.value, sizeof(last.term.value), empty_tail(peer).chain.value);
  return {.last = last,
          .chain = {XXH3_64bits_withSeed(&last.index.value, sizeof(last.index.value), seed)}};
}

EntryId last_of(const StoredEntry& entry) {
  return entry.kind == EntryKind::released ? entry.holes.last() : entry.id;
}

std::uint64_t holes_in(const StoredEntry& entry) {
  return entry.kind == EntryKind::released ? entry.holes.count() : 0;
}

Chain chain_of_hole(EntryId id, Chain previous) {
  return chain_of({.id = id, .kind = EntryKind::released}, previous);
}

std::vector<std::uint8_t> write_holes(const Holes& holes) {
  TROUPE_ASSERT(!holes.terms.empty());
  const schema::HolesHead before(holes.before.value);
  constexpr std::size_t each = sizeof(schema::HolesOfTerm);
  const std::size_t size = sizeof(before) + each * holes.terms.size();
  const schema::RecordHead head(0, static_cast<std::uint32_t>(size), record_format,
                                static_cast<std::uint8_t>(EntryKind::released),
                                holes.terms.front().term.value, holes.first.value,
                                holes.chain.value);
  std::vector<std::uint8_t> all(sizeof(head) + size);
  std::memcpy(all.data(), &head, sizeof(head));
  std::memcpy(all.data() + sizeof(head), &before, sizeof(before));
  std::uint8_t* to = all.data() + sizeof(head) + sizeof(before);
  for (const TermRun& run : holes.terms) {
    const schema::HolesOfTerm stored(run.term.value, run.count);
    std::memcpy(to, &stored, each);
    to += each;
  }
  seal(all);
  return all;
}

// ---- entries

std::size_t record_size(const Entry& entry) {
  return sizeof(schema::RecordHead) + entry.payload.size();
}

void write_record(const Entry& entry, Tail& tail, std::span<std::uint8_t> to) {
  TROUPE_ASSERT(to.size() == record_size(entry));
  TROUPE_ASSERT(entry.kind != EntryKind::released);
  TROUPE_ASSERT(entry.payload.size() <= std::numeric_limits<std::uint32_t>::max());
  StoredEntry stored{.id = entry.id, .kind = entry.kind, .payload = entry.payload.span()};
  stored.chain = chain_of(stored, tail.chain);
  const schema::RecordHead head = head_of(stored);
  std::memcpy(to.data(), &head, sizeof(head));
  if (!entry.payload.empty())
    std::memcpy(to.data() + sizeof(head), entry.payload.data(), entry.payload.size());
  seal(to);
  tail = {.last = entry.id, .chain = stored.chain};
}

Problem read_record(Value value, StoredEntry& to) {
  schema::RecordHead head;
  if (!open(value, head))
    return mismatch();
  if (auto problem = check_format(head.format(), record_format))
    return problem;
  const Value payload = value.subspan(sizeof(head));
  if (auto problem = check_size(payload.size(), head.size()))
    return problem;
  if (head.kind() > static_cast<std::uint8_t>(EntryKind::released))
    return corrupt("unknown kind of entry " + std::to_string(head.kind()));
  to = {.id = {{head.term()}, {head.index()}},
        .kind = static_cast<EntryKind>(head.kind()),
        .payload = payload,
        .chain = {head.chain()},
        .holes = {}};
  return to.kind == EntryKind::released ? read_holes(to) : std::nullopt;
}

Problem follow(const StoredEntry& entry, Tail& tail) {
  if (entry.id.index != next(tail.last.index))
    return corrupt("holds the entry of index " + std::to_string(entry.id.index.value));
  if (entry.id.term < tail.last.term)
    return corrupt("its term " + std::to_string(entry.id.term.value) + " is below "
                   + std::to_string(tail.last.term.value) + " of the entry before it");
  const bool is_hole = entry.kind == EntryKind::released;
  if (is_hole ? entry.holes.before != tail.chain : entry.chain != chain_of(entry, tail.chain))
    return corrupt("does not follow from the entry before it (an old or moved record)");
  tail = {.last = last_of(entry), .chain = entry.chain};
  return std::nullopt;
}

// ---- everything else

PeerState empty_state(PeerId peer) {
  return {.hard_state = {}, .before = empty_tail(peer), .tail = empty_tail(peer)};
}

std::vector<std::uint8_t> write_state(PeerId peer, const PeerState& state) {
  return sealed(schema::StateRecord(
      0, state.hard_state.set_back ? set_back_format : record_format, peer.value,
      state.hard_state.term.value, state.hard_state.voted_for.value, state.hard_state.cluster.value,
      state.hard_state.horizon.value, state.before.last.term.value, state.before.last.index.value,
      state.before.chain.value, state.tail.last.term.value, state.tail.last.index.value,
      state.tail.chain.value, state.holes, state.snapshot_hash));
}

Problem read_state(Value value, PeerId peer, PeerState& to) {
  schema::StateRecord record;
  if (!open(value, record))
    return mismatch();
  const bool is_set_back = record.format() == set_back_format;
  if (auto problem = check_format(is_set_back ? record_format : record.format(), record_format))
    return problem;
  if (auto problem = check_size(value.size(), sizeof(record)))
    return problem;
  if (record.peer() != peer.value)
    return corrupt("is of peer " + std::to_string(record.peer()));
  to = {.hard_state = {.term = {record.term()},
                       .voted_for = {record.voted_for()},
                       .cluster = {record.cluster()},
                       .horizon = {record.horizon()},
                       .set_back = is_set_back},
        .before = {.last = {{record.before_term()}, {record.before_index()}},
                   .chain = {record.before_chain()}},
        .tail = {.last = {{record.last_term()}, {record.last_index()}}, .chain = {record.chain()}},
        .holes = record.holes(),
        .snapshot_hash = record.snapshot_hash()};
  return std::nullopt;
}

std::vector<std::uint8_t> write_snapshot(const SnapshotHead& head) {
  flatbuffers::FlatBufferBuilder builder;
  const std::string configuration = encode(head.place.configuration);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(configuration.data());
  const auto stored = builder.CreateVector(bytes, configuration.size());
  builder.Finish(
      schema::CreateSnapshot(builder, head.place.id.term.value, head.place.id.index.value, stored,
                             head.place.configuration_index.value, head.size_bytes, head.hash));
  return sealed_table(builder);
}

Problem read_snapshot(Value value, SnapshotHead& to) {
  Bytes body;
  if (auto problem = open_table(value, body))
    return problem;
  flatbuffers::Verifier verifier(body.data(), body.size());
  if (!verifier.VerifyBuffer<schema::Snapshot>())
    return corrupt("is not a FlatBuffer of a snapshot");
  const auto* snapshot = flatbuffers::GetRoot<schema::Snapshot>(body.data());
  if (snapshot->configuration() == nullptr || snapshot->index() == 0)
    return corrupt("lacks an index or a configuration");
  const auto* bytes = reinterpret_cast<const char*>(snapshot->configuration()->data());
  const auto configuration = decode_configuration({bytes, snapshot->configuration()->size()});
  if (!configuration)
    return corrupt("holds no configuration that can be read");
  to = {.place = {.id = {{snapshot->term()}, {snapshot->index()}},
                  .configuration = *configuration,
                  .configuration_index = {snapshot->configuration_index()}},
        .size_bytes = snapshot->size_bytes(),
        .hash = snapshot->hash()};
  return std::nullopt;
}

std::uint64_t hash_snapshot(Value value) {
  return XXH3_64bits(value.data(), value.size()) | 1;
}

std::vector<std::uint8_t> write_commit(const Commit& commit) {
  return sealed(schema::CommitRecord(0, record_format, commit.transaction, commit.journal));
}

Problem read_commit(Value value, Commit& to) {
  schema::CommitRecord record;
  if (!open(value, record))
    return mismatch();
  to = {.transaction = record.transaction(), .journal = record.journal()};
  return check_format(record.format(), record_format);
}

std::vector<std::uint8_t> write_meta(const Meta& meta) {
  return sealed(schema::MetaRecord(0, store_format, meta.created_s, meta.peers, meta.peers_hash));
}

Problem read_meta(Value value, Meta& to) {
  // Only checksum and format are where they are in every format.
  if (value.size() < checksum_bytes + sizeof(store_format)
      || flatbuffers::ReadScalar<std::uint32_t>(value.data()) != checksum_of(value))
    return mismatch();
  const auto format = flatbuffers::ReadScalar<std::uint32_t>(value.data() + checksum_bytes);
  if (auto problem = check_format(format, store_format))
    return problem;
  schema::MetaRecord record;
  if (auto problem = check_size(value.size(), sizeof(record)))
    return problem;
  if (!open(value, record))
    return mismatch();
  to = {
      .created_s = record.created_s(), .peers = record.peers(), .peers_hash = record.peers_hash()};
  return std::nullopt;
}

std::vector<std::uint8_t> write_peer(const PeerRecord& peer) {
  flatbuffers::FlatBufferBuilder builder;
  const auto name = builder.CreateString(peer.name);
  const auto kind = builder.CreateString(peer.kind);
  std::vector<flatbuffers::Offset<schema::Option>> options;
  for (const auto& [option, value] : peer.options)
    options.push_back(
        schema::CreateOption(builder, builder.CreateString(option), builder.CreateString(value)));
  const auto all_options = builder.CreateVector(options);
  schema::FinishPeerBuffer(
      builder, schema::CreatePeer(builder, peer.id.value, name, kind, peer.running, all_options));

  return sealed_table(builder);
}

Problem read_peer(Value value, PeerRecord& to) {
  Bytes body;
  if (auto problem = open_table(value, body))
    return problem;
  flatbuffers::Verifier verifier(body.data(), body.size());
  if (!schema::VerifyPeerBuffer(verifier))
    return corrupt("is not a FlatBuffer of a peer");
  const schema::Peer* peer = schema::GetPeer(body.data());
  if (peer->name() == nullptr || peer->kind() == nullptr || peer->id() == 0)
    return corrupt("lacks an id, a name or a kind");
  to = {.id = {peer->id()},
        .name = peer->name()->str(),
        .kind = peer->kind()->str(),
        .running = peer->running(),
        .options = {}};
  if (peer->options() != nullptr)
    for (const schema::Option* option : *peer->options())
      to.options.emplace_back(option->name()->str(), option->value()->str());
  return std::nullopt;
}

std::uint64_t hash_peer(Value value, std::uint64_t so_far) {
  return XXH3_64bits_withSeed(value.data(), value.size(), so_far);
}

}  // namespace troupe::storage
