#include "wire/client_generated.h"
#include "wire/codec.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::wire {

namespace {

using flatbuffers::FlatBufferBuilder;
using PackedBody = std::pair<schema::ResponseBody, flatbuffers::Offset<void>>;
using PackedMembers = flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::Member>>>;

static_assert(static_cast<int>(schema::Role::MAX) == static_cast<int>(Role::leader),
              "the schema knows every role");

/// Of `Pace`.
constexpr int paces = static_cast<int>(Pace::snapshot) + 1;

// ---- to the wire

PackedMembers pack_members(FlatBufferBuilder& to, const std::vector<Member>& members) {
  std::vector<flatbuffers::Offset<schema::Member>> offsets;
  for (const Member& member : members) {
    const auto name = to.CreateString(member.name);
    const auto address = to.CreateString(member.address);
    offsets.push_back(schema::CreateMember(to, member.id.value, name, address));
  }
  return to.CreateVector(offsets);
}

flatbuffers::Offset<schema::Configuration> pack_configuration(FlatBufferBuilder& to,
                                                              const Configuration& configuration) {
  const PackedMembers voters = pack_members(to, configuration.voters);
  const PackedMembers old_voters = pack_members(to, configuration.old_voters);
  const PackedMembers learners = pack_members(to, configuration.learners);
  const PackedMembers standbys = pack_members(to, configuration.standbys);
  return schema::CreateConfiguration(to, voters, old_voters, learners, standbys,
                                     configuration.keep.count,
                                     static_cast<std::uint64_t>(configuration.keep.after.count()));
}

PackedBody pack(FlatBufferBuilder&, std::monostate) {
  return {schema::ResponseBody::NONE, {}};
}

PackedBody pack(FlatBufferBuilder& to, const std::string& text) {
  return {schema::ResponseBody::Text, schema::CreateText(to, to.CreateString(text)).Union()};
}

flatbuffers::Offset<schema::SnapshotProgress> pack_progress(
    FlatBufferBuilder& to, const std::optional<SnapshotProgress>& progress) {
  if (!progress)
    return {};
  return schema::CreateSnapshotProgress(to, progress->index.value, progress->percent);
}

flatbuffers::Offset<schema::Follower> pack_follower(FlatBufferBuilder& to,
                                                    const FollowerStatus& follower) {
  const auto name = to.CreateString(follower.name);
  return schema::CreateFollower(to, name, follower.match.value, follower.next.value,
                                static_cast<std::uint8_t>(follower.pace), follower.in_flight_bytes,
                                follower.heard_ms, follower.snapshot_sent, follower.snapshot_bytes,
                                follower.set_back, follower.acknowledged.value, follower.disk_lost);
}

PackedBody pack(FlatBufferBuilder& to, const PeerStatus& status) {
  const auto name = to.CreateString(status.name);
  const auto kind = to.CreateString(status.kind);
  const auto leader = to.CreateString(status.leader);
  const auto configuration = pack_configuration(to, status.configuration);
  const schema::EntryId last(status.last.term.value, status.last.index.value);
  const schema::EntryId snapshot(status.snapshot.term.value, status.snapshot.index.value);
  const auto taking = pack_progress(to, status.taking);
  const auto receiving = pack_progress(to, status.receiving);
  std::vector<flatbuffers::Offset<schema::Follower>> followers;
  for (const FollowerStatus& follower : status.followers)
    followers.push_back(pack_follower(to, follower));
  const auto followers_at = to.CreateVector(followers);
  return {schema::ResponseBody::PeerStatus,
          schema::CreatePeerStatus(
              to, name, kind, static_cast<schema::Role>(status.role), leader, status.term.value,
              status.commit.value, status.applied.value, &last, configuration,
              status.configuration_index.value, status.store_bytes, status.first.value, &snapshot,
              status.snapshot_bytes, taking, receiving, followers_at, status.cluster.value,
              status.changing, status.holes, status.cleaned_upto.value, status.log_bytes,
              status.lease_ms, status.read_rounds, status.disk_stalls, status.disk_full,
              status.quiet, status.set_back)
              .Union()};
}

PackedBody pack(FlatBufferBuilder& to, const Entry& entry) {
  BlobWriter blob(to, padded(entry.payload.size()));
  blob.put(entry.payload.text());
  const schema::EntryId id(entry.id.term.value, entry.id.index.value);
  return {schema::ResponseBody::Entry,
          schema::CreateEntry(to, &id, static_cast<schema::EntryKind>(entry.kind),
                              static_cast<std::uint32_t>(entry.payload.size()), blob.offset())
              .Union()};
}

PackedBody pack(FlatBufferBuilder& to, const Identity& identity) {
  const auto kind = to.CreateString(identity.kind);
  const auto address = to.CreateString(identity.address);
  return {
      schema::ResponseBody::Identity,
      schema::CreateIdentity(to, identity.id.value, kind, identity.running, address, identity.node,
                             identity.cluster.value, identity.term.value, identity.last.value)
          .Union()};
}

PackedBody pack(FlatBufferBuilder& to, const Configuration& configuration) {
  return {schema::ResponseBody::Configuration, pack_configuration(to, configuration).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const std::vector<std::string>& names) {
  return {schema::ResponseBody::Names,
          schema::CreateNames(to, to.CreateVectorOfStrings(names)).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const TakenSnapshot& taken) {
  const schema::EntryId id(taken.id.term.value, taken.id.index.value);
  return {schema::ResponseBody::TakenSnapshot,
          schema::CreateTakenSnapshot(to, &id, taken.size_bytes).Union()};
}

// ---- from the wire

using MemberTables = flatbuffers::Vector<flatbuffers::Offset<schema::Member>>;

bool unpack(const MemberTables* from, Decoder& decoder, std::vector<Member>& to) {
  if (from == nullptr)
    return true;
  if (!decoder.check(from->size() <= members_max, "too many members")
      || !decoder.list(from->size()))
    return false;
  PeerId previous = nobody;
  for (const schema::Member* table : *from) {
    Member& member = to.emplace_back();
    member.id = {table->id()};
    if (!decoder.table(*table) || !decoder.check(member.id > previous, "members not sorted by id")
        || !decoder.text(table->name(), name_bytes_max, member.name)
        || !decoder.text(table->address(), name_bytes_max, member.address))
      return false;
    previous = member.id;
  }
  return true;
}

bool unpack(const schema::Configuration& from, Decoder& decoder, Configuration& to) {
  return unpack(from.voters(), decoder, to.voters)
         && unpack(from.old_voters(), decoder, to.old_voters)
         && unpack(from.learners(), decoder, to.learners)
         && unpack(from.standbys(), decoder, to.standbys)
         && decoder.policy(from.keep_count(), from.keep_after_us(), to.keep);
}

bool unpack(const schema::EntryId* from, Decoder& decoder, EntryId& to) {
  if (from == nullptr)
    return true;
  to = {{from->term()}, {from->index()}};
  return decoder.counter(from->term()) && decoder.counter(from->index())
         && decoder.check((to.term == Term{}) == (to.index == Index{}), "half an entry id");
}

bool unpack(const schema::Text& from, Decoder& decoder, std::string& to) {
  return decoder.text(from.text(), full_name_bytes_max, to);
}

bool unpack(const schema::SnapshotProgress* from, Decoder& decoder,
            std::optional<SnapshotProgress>& to) {
  if (from == nullptr)
    return true;
  to = SnapshotProgress{.index = {from->index()}, .percent = from->percent()};
  return decoder.counter(from->index())
         && decoder.check(from->percent() <= 100, "more than all of a snapshot");
}

bool unpack(const schema::Follower& from, Decoder& decoder, FollowerStatus& to) {
  to.match = {from.match()};
  to.next = {from.next()};
  to.pace = static_cast<Pace>(from.pace());
  to.in_flight_bytes = from.in_flight_bytes();
  to.heard_ms = from.heard_ms();
  to.snapshot_sent = from.snapshot_sent();
  to.snapshot_bytes = from.snapshot_bytes();
  to.set_back = from.set_back();
  to.acknowledged = {from.acknowledged()};
  to.disk_lost = from.disk_lost();
  return decoder.counter(from.match()) && decoder.counter(from.acknowledged())
         && decoder.counter(from.next()) && decoder.check(from.pace() < paces, "unknown pace")
         && decoder.text(from.name(), full_name_bytes_max, to.name);
}

bool unpack(const flatbuffers::Vector<flatbuffers::Offset<schema::Follower>>* from,
            Decoder& decoder, std::vector<FollowerStatus>& to) {
  if (from == nullptr)
    return true;
  if (!decoder.check(from->size() <= members_max, "too many followers")
      || !decoder.list(from->size()))
    return false;
  for (const schema::Follower* follower : *from)
    if (!decoder.table(*follower) || !unpack(*follower, decoder, to.emplace_back()))
      return false;
  return true;
}

/// Where its snapshot, and those of its followers, are.
bool unpack_snapshots(const schema::PeerStatus& from, Decoder& decoder, PeerStatus& to) {
  to.first = {from.first()};
  to.snapshot_bytes = from.snapshot_bytes();
  to.holes = from.holes();
  to.cleaned_upto = {from.cleaned_upto()};
  to.log_bytes = from.log_bytes();
  return decoder.counter(from.first()) && decoder.counter(from.cleaned_upto())
         && unpack(from.snapshot(), decoder, to.snapshot)
         && unpack(from.taking(), decoder, to.taking)
         && unpack(from.receiving(), decoder, to.receiving)
         && unpack(from.followers(), decoder, to.followers);
}

bool unpack(const schema::TakenSnapshot& from, Decoder& decoder, TakenSnapshot& to) {
  to.size_bytes = from.size_bytes();
  return unpack(from.id(), decoder, to.id);
}

bool unpack(const schema::PeerStatus& from, Decoder& decoder, PeerStatus& to) {
  to.role = static_cast<Role>(from.role());
  to.term = {from.term()};
  to.commit = {from.commit()};
  to.applied = {from.applied()};
  to.configuration_index = {from.configuration_index()};
  to.store_bytes = from.store_bytes();
  to.cluster = {from.cluster()};
  to.changing = from.changing();
  to.lease_ms = from.lease_ms();
  to.read_rounds = from.read_rounds();
  to.disk_stalls = from.disk_stalls();
  to.disk_full = from.disk_full();
  to.quiet = from.quiet();
  to.set_back = from.set_back();
  return decoder.check(from.role() <= schema::Role::MAX, "unknown role")
         && decoder.counter(from.term()) && decoder.counter(from.commit())
         && decoder.counter(from.applied()) && decoder.counter(from.configuration_index())
         && decoder.text(from.name(), full_name_bytes_max, to.name)
         && decoder.text(from.kind(), name_bytes_max, to.kind)
         && decoder.text(from.leader(), full_name_bytes_max, to.leader)
         && unpack(from.last(), decoder, to.last)
         && (from.configuration() == nullptr
             || unpack(*from.configuration(), decoder, to.configuration))
         && unpack_snapshots(from, decoder, to);
}

bool unpack(const schema::Entry& from, Decoder& decoder, Entry& to) {
  BlobReader blob(decoder, from.payload());
  to.kind = static_cast<EntryKind>(from.kind());
  return decoder.check(from.kind() <= schema::EntryKind::MAX, "unknown kind of entry")
         && unpack(from.id(), decoder, to.id)
         && decoder.check(to.id.index > Index{}, "entry without id") && blob.check_start()
         && blob.take(from.size(), to.payload) && blob.check_end();
}

bool unpack(const schema::Identity& from, Decoder& decoder, Identity& to) {
  to.id = {from.id()};
  to.running = from.running();
  to.node = from.node();
  to.cluster = {from.cluster()};
  to.term = {from.term()};
  to.last = {from.last()};
  return decoder.text(from.kind(), name_bytes_max, to.kind)
         && decoder.text(from.address(), name_bytes_max, to.address);
}

bool unpack(const schema::Names& from, Decoder& decoder, std::vector<std::string>& to) {
  if (from.names() == nullptr)
    return true;
  if (!decoder.check(from.names()->size() <= names_max, "too many names")
      || !decoder.list(from.names()->size()))
    return false;
  for (const flatbuffers::String* name : *from.names()) {
    if (!decoder.text(name, full_name_bytes_max, to.emplace_back()))
      return false;
  }
  return true;
}

/// Reads `from` as the alternative `Body` of a response.
template <class Body, class Table>
bool unpack_body(const Table* from, Decoder& decoder, Response& to) {
  return decoder.check(from != nullptr, "response without body")
         && unpack(*from, decoder, to.body.emplace<Body>());
}

}  // namespace

flatbuffers::Offset<schema::Response> pack(FlatBufferBuilder& to, const Response& response) {
  const std::string_view text = clipped(response.detail);
  const auto detail = to.CreateString(text.data(), text.size());
  const auto [type, body] =
      std::visit([&](const auto& alternative) { return pack(to, alternative); }, response.body);
  return schema::CreateResponse(to, response.id, static_cast<schema::Refusal>(response.refusal),
                                detail, type, body);
}

bool unpack(const schema::Response& from, Decoder& decoder, Response& to) {
  to.id = from.id();
  to.refusal = static_cast<Refusal>(from.refusal());
  if (!decoder.check(from.refusal() <= schema::Refusal::MAX, "unknown refusal")
      || !decoder.text(from.detail(), detail_bytes_max, to.detail))
    return false;
  switch (from.body_type()) {
    case schema::ResponseBody::NONE:
      return true;
    case schema::ResponseBody::Text:
      return unpack_body<std::string>(from.body_as_Text(), decoder, to);
    case schema::ResponseBody::PeerStatus:
      return unpack_body<PeerStatus>(from.body_as_PeerStatus(), decoder, to);
    case schema::ResponseBody::Entry:
      return unpack_body<Entry>(from.body_as_Entry(), decoder, to);
    case schema::ResponseBody::Identity:
      return unpack_body<Identity>(from.body_as_Identity(), decoder, to);
    case schema::ResponseBody::Configuration:
      return unpack_body<Configuration>(from.body_as_Configuration(), decoder, to);
    case schema::ResponseBody::Names:
      return unpack_body<std::vector<std::string>>(from.body_as_Names(), decoder, to);
    case schema::ResponseBody::TakenSnapshot:
      return unpack_body<TakenSnapshot>(from.body_as_TakenSnapshot(), decoder, to);
  }
  return decoder.check(false, "unknown kind of response");
}

}  // namespace troupe::wire
