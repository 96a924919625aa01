#include "storage/journal/journal_batch.hpp"

#include "storage/journal/journal_generated.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe::storage {

namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

std::uint64_t value_of(const std::optional<Index>& index) {
  return index ? index->value : 0;
}

std::optional<Index> index_of(std::uint64_t value) {
  return value == 0 ? std::nullopt : std::optional(Index{value});
}

/// All payloads in one vector: it is filled in place, and no entry costs a table.
Offset<flatbuffers::Vector<std::uint8_t>> pack_payloads(FlatBufferBuilder& to,
                                                        const std::vector<Entry>& entries) {
  std::size_t bytes = 0;
  for (const Entry& entry : entries)
    bytes += entry.payload.size();
  std::uint8_t* at = nullptr;
  const auto vector = to.CreateUninitializedVector(bytes, &at);
  for (const Entry& entry : entries) {
    if (!entry.payload.empty())
      std::memcpy(at, entry.payload.text().data(), entry.payload.size());
    at += entry.payload.size();
  }
  return vector;
}

Offset<schema::JournalWrite> pack(FlatBufferBuilder& to, const PeerWrite& write) {
  const Write& all = write.write;
  std::vector<schema::JournalEntry> heads;
  heads.reserve(all.entries.size());
  for (const Entry& entry : all.entries)
    heads.emplace_back(entry.id.term.value, entry.id.index.value,
                       static_cast<std::uint32_t>(entry.payload.size()),
                       static_cast<std::uint8_t>(entry.kind));
  std::vector<std::uint64_t> released;
  released.reserve(all.released.size());
  for (const Index index : all.released)
    released.push_back(index.value);
  const auto snapshot = all.snapshot ? to.CreateVector(write_snapshot(*all.snapshot)) : 0;
  const auto entries = to.CreateVectorOfStructs(heads);
  const auto payloads = pack_payloads(to, all.entries);
  const auto holes = to.CreateVector(released);
  return schema::CreateJournalWrite(to, write.peer.value, all.hard_state.term.value,
                                    all.hard_state.voted_for.value, all.hard_state.cluster.value,
                                    all.hard_state.horizon.value, snapshot, all.restart,
                                    value_of(all.truncate_from), entries, payloads, holes,
                                    value_of(all.cut_before), all.hard_state.set_back);
}

/// A verifier looks at where a vector begins, and not at where its first element does. Requires:
/// there are so many elements.
template <class T>
T element(const std::uint8_t* data, flatbuffers::uoffset_t i) {
  T one{};
  std::memcpy(static_cast<void*>(&one), data + i * sizeof(T), sizeof(T));
  return one;
}

Problem unpack_entries(const schema::JournalWrite& from, std::vector<Entry>& to) {
  const auto* heads = from.entries();
  const auto* payloads = from.payloads();
  std::size_t at = 0;
  for (flatbuffers::uoffset_t i = 0; heads != nullptr && i < heads->size(); ++i) {
    const auto head = element<schema::JournalEntry>(heads->Data(), i);
    if (payloads == nullptr || head.size() > payloads->size() - at
        || head.kind() > static_cast<std::uint8_t>(EntryKind::released))
      return corrupt("holds an entry that makes no sense");
    const auto* bytes = reinterpret_cast<const char*>(payloads->data() + at);
    to.push_back({.id = {{head.term()}, {head.index()}},
                  .kind = static_cast<EntryKind>(head.kind()),
                  .payload = Bytes::copy_of({bytes, head.size()})});
    at += head.size();
  }
  return std::nullopt;
}

Problem unpack(const schema::JournalWrite& from, PeerWrite& to) {
  to.peer = {from.peer()};
  to.write.hard_state = {.term = {from.term()},
                         .voted_for = {from.voted_for()},
                         .cluster = {from.cluster()},
                         .horizon = {from.horizon()},
                         .set_back = from.set_back()};
  if (const auto* snapshot = from.snapshot())
    if (auto problem =
            read_snapshot({snapshot->data(), snapshot->size()}, to.write.snapshot.emplace()))
      return problem;
  to.write.restart = from.restart();
  to.write.truncate_from = index_of(from.truncate_from());
  to.write.cut_before = index_of(from.cut_before());
  const auto* released = from.released();
  for (flatbuffers::uoffset_t i = 0; released != nullptr && i < released->size(); ++i)
    to.write.released.push_back(
        {flatbuffers::EndianScalar(element<std::uint64_t>(released->Data(), i))});
  return unpack_entries(from, to.write.entries);
}

}  // namespace

Value BatchWriter::write(std::span<const PeerWrite> writes) {
  builder_.Clear();
  std::vector<Offset<schema::JournalWrite>> offsets;
  offsets.reserve(writes.size());
  for (const PeerWrite& write : writes)
    offsets.push_back(pack(builder_, write));
  schema::FinishJournalBatchBuffer(
      builder_, schema::CreateJournalBatch(builder_, builder_.CreateVector(offsets)));
  return {builder_.GetBufferPointer(), builder_.GetSize()};
}

Problem read_batch(Value value, std::vector<PeerWrite>& to) {
  flatbuffers::Verifier verifier(value.data(), value.size());
  if (!schema::VerifyJournalBatchBuffer(verifier))
    return corrupt("is not a FlatBuffer of writes");
  const auto* writes = schema::GetJournalBatch(value.data())->writes();
  for (flatbuffers::uoffset_t i = 0; writes != nullptr && i < writes->size(); ++i)
    if (auto problem = unpack(*writes->Get(i), to.emplace_back()))
      return problem;
  return std::nullopt;
}

}  // namespace troupe::storage
