#include "storage/journal/journal_batch.hpp"
#include "storage/record.hpp"
#include "test/fuzz/draw.hpp"
#include "wire/crc32c.hpp"

#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

using storage::Value;
using Bits = std::vector<std::uint8_t>;

constexpr std::size_t checksum_bytes = 4;
constexpr PeerId peer{1};

/// Puts the right checksum in front, as whoever wrote nonsense on purpose would.
void seal(Bits& value) {
  if (value.size() < checksum_bytes)
    return;
  const std::uint32_t sum = wire::crc32c(Value(value).subspan(checksum_bytes));
  for (std::size_t i = 0; i < checksum_bytes; ++i)
    value[i] = static_cast<std::uint8_t>(sum >> (8 * i));
}

std::optional<Problem> is_refused(const storage::Problem& problem) {
  if (!problem)
    return std::nullopt;
  return problem->text.empty() ? Problem("refused without a reason") : Problem();
}

Problem check_entry(Value value) {
  storage::StoredEntry entry;
  if (const auto refused = is_refused(storage::read_record(value, entry)))
    return *refused;
  const std::string holes = entry.kind == EntryKind::released ? "holes" : "entry";
  // A record that is read may stand behind what it names as the one before it, and there alone.
  storage::Tail tail{.last = {entry.id.term, prev(entry.id.index)}, .chain = entry.holes.before};
  if (entry.kind == EntryKind::released) {
    if (entry.id.index.value != 0 && storage::follow(entry, tail))
      return "holes that are read do not follow what is before them";
    if (entry.holes.terms.size() > value.size())
      return "more holes than there is room for";
    if (Bits(value.begin(), value.end()) != storage::write_holes(entry.holes)
        && value[9] == static_cast<std::uint8_t>(EntryKind::released)) {
      // Padding is not ours to keep; what it says is.
      storage::StoredEntry again;
      const Bits written = storage::write_holes(entry.holes);
      if (storage::read_record(written, again) || again.holes.terms != entry.holes.terms)
        return "holes are not what they were read from";
    }
    return std::nullopt;
  }
  const Entry plain{.id = entry.id, .kind = entry.kind, .payload = Bytes::copy_of(entry.payload)};
  Bits written(storage::record_size(plain));
  storage::write_record(plain, tail, written);
  storage::StoredEntry again;
  if (storage::read_record(written, again) || again.id != entry.id || again.kind != entry.kind
      || !std::equal(again.payload.begin(), again.payload.end(), entry.payload.begin(),
                     entry.payload.end()))
    return "an " + holes + " is not what it was read from";
  return std::nullopt;
}

Problem check_state(Value value) {
  storage::PeerState state;
  if (const auto refused = is_refused(storage::read_state(value, peer, state)))
    return *refused;
  storage::PeerState again;
  if (storage::read_state(storage::write_state(peer, state), peer, again) || !(again == state))
    return "a state is not what it was read from";
  return std::nullopt;
}

Problem check_snapshot(Value value) {
  SnapshotHead head;
  if (const auto refused = is_refused(storage::read_snapshot(value, head)))
    return *refused;
  SnapshotHead again;
  if (storage::read_snapshot(storage::write_snapshot(head), again) || !(again == head))
    return "a snapshot is not what it was read from";
  return std::nullopt;
}

Problem check_peer(Value value) {
  storage::PeerRecord record;
  if (const auto refused = is_refused(storage::read_peer(value, record)))
    return *refused;
  storage::PeerRecord again;
  if (storage::read_peer(storage::write_peer(record), again) || !(again == record))
    return "a peer is not what it was read from";
  return std::nullopt;
}

Problem check_numbers(Value value) {
  storage::Meta meta;
  if (const auto problem = storage::read_meta(value, meta); problem && problem->text.empty())
    return "refused without a reason";
  storage::Commit commit;
  if (const auto problem = storage::read_commit(value, commit); problem && problem->text.empty())
    return "refused without a reason";
  return std::nullopt;
}

/// What stands in a journal, behind its checksum.
Problem check_batch(Value value) {
  std::vector<storage::PeerWrite> writes;
  if (const auto refused = is_refused(storage::read_batch(value, writes)))
    return *refused;
  storage::BatchWriter writer;
  std::vector<storage::PeerWrite> again;
  if (storage::read_batch(writer.write(writes), again) || again.size() != writes.size())
    return "a batch of writes is not what it was read from";
  for (std::size_t i = 0; i < writes.size(); ++i)
    if (again[i].peer != writes[i].peer || again[i].write.hard_state != writes[i].write.hard_state
        || again[i].write.snapshot != writes[i].write.snapshot
        || again[i].write.truncate_from != writes[i].write.truncate_from
        || again[i].write.entries != writes[i].write.entries
        || again[i].write.released != writes[i].write.released
        || again[i].write.cut_before != writes[i].write.cut_before)
      return "a write is not what it was read from";
  return std::nullopt;
}

/// Any value that a damaged tree may hold under any key. `choice & 8`: with a checksum that is
/// right, which damage hardly ever brings about, so that all that is behind it is reached.
Problem run(Input input) {
  Draw draw(input);
  const unsigned choice = draw.byte();
  Bits value(draw.rest().begin(), draw.rest().end());
  if ((choice & 8) != 0)
    seal(value);
  switch (choice & 7) {
    case 0:
    case 1:
      return check_entry(value);
    case 2:
      return check_state(value);
    case 3:
      return check_snapshot(value);
    case 4:
      return check_peer(value);
    case 5:
      return check_batch(value);
    default:
      return check_numbers(value);
  }
}

std::string seed(char choice, const Bits& value) {
  return choice + std::string(value.begin(), value.end());
}

std::vector<std::string> seeds() {
  storage::Tail tail = storage::empty_tail(peer);
  const Entry entry{.id = {{3}, {1}}, .kind = EntryKind::command, .payload = Bytes::copy_of("abc")};
  Bits record(storage::record_size(entry));
  storage::write_record(entry, tail, record);
  const storage::Holes holes{.first = {2},
                             .terms = {{.term = {3}, .count = 2}, {.term = {4}, .count = 1}},
                             .before = {7},
                             .chain = {8}};
  const storage::PeerState state{.hard_state = {.term = {3}, .voted_for = {2}, .cluster = {77}},
                                 .before = tail,
                                 .tail = tail,
                                 .holes = 2,
                                 .snapshot_hash = 5};
  const SnapshotHead head{.place = {.id = {{3}, {9}},
                                    .configuration = {.voters = {{{1}, "peer1", "h:1"}}},
                                    .configuration_index = {1}},
                          .size_bytes = 100,
                          .hash = 6};
  const storage::PeerRecord known{
      .id = peer, .name = "peer1", .kind = "kv_store", .running = true, .options = {{"a", "b"}}};
  storage::BatchWriter writer;
  const storage::PeerWrite write{.peer = peer,
                                 .write = {.hard_state = state.hard_state,
                                           .snapshot = head,
                                           .truncate_from = Index{1},
                                           .entries = {entry},
                                           .released = {{1}},
                                           .cut_before = Index{1}}};
  const Value batch = writer.write({&write, 1});
  return {seed(8, record),
          seed(0, record),
          seed(9, storage::write_holes(holes)),
          seed(10, storage::write_state(peer, state)),
          seed(11, storage::write_snapshot(head)),
          seed(12, storage::write_peer(known)),
          seed(14, storage::write_meta({.created_s = 1, .peers = 2, .peers_hash = 3})),
          seed(14, storage::write_commit({4, 2})),
          seed(5, Bits(batch.begin(), batch.end()))};
}

}  // namespace

Target records_target() {
  return {.name = "records",
          .summary = "the values in a store and its journal, with sound checksums or without",
          .run = run,
          .seeds = seeds,
          .input_bytes_max = 512};
}

}  // namespace troupe::fuzz
