#include "wire/codec.hpp"
#include "wire/raft_generated.h"

#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::wire {

namespace {

using flatbuffers::FlatBufferBuilder;
using PackedBody = std::pair<schema::Body, flatbuffers::Offset<void>>;

static_assert(static_cast<int>(schema::EntryKind::MAX) == static_cast<int>(EntryKind::released),
              "the schema knows every kind of entry");

// ---- to the wire

schema::EntryId packed(EntryId id) {
  return {id.term.value, id.index.value};
}

PackedBody pack(FlatBufferBuilder& to, const PreVoteRequest& request) {
  const schema::EntryId last = packed(request.last);
  return {schema::Body::PreVoteRequest, schema::CreatePreVoteRequest(to, &last).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const PreVoteResponse& response) {
  return {schema::Body::PreVoteResponse,
          schema::CreatePreVoteResponse(to, response.granted, response.asked.value).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const VoteRequest& request) {
  const schema::EntryId last = packed(request.last);
  return {schema::Body::VoteRequest,
          schema::CreateVoteRequest(to, &last, request.transfer).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const VoteResponse& response) {
  return {schema::Body::VoteResponse, schema::CreateVoteResponse(to, response.granted).Union()};
}

std::size_t blob_size(const std::vector<Entry>& entries) {
  std::size_t size = 0;
  for (const Entry& entry : entries)
    size += padded(entry.payload.size());
  return size;
}

PackedBody pack(FlatBufferBuilder& to, const AppendRequest& request) {
  flatbuffers::Offset<flatbuffers::Vector<const schema::EntryHead*>> heads{};
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> payloads{};
  if (!request.entries.empty()) {
    BlobWriter blob(to, blob_size(request.entries));
    for (const Entry& entry : request.entries)
      blob.put(entry.payload.text());
    payloads = blob.offset();
    heads = to.CreateVectorOfStructs<schema::EntryHead>(
        request.entries.size(),
        [](std::size_t i, schema::EntryHead* head, const std::vector<Entry>* entries) {
          const Entry& entry = (*entries)[i];
          *head = schema::EntryHead(entry.id.term.value, entry.id.index.value,
                                    static_cast<std::uint32_t>(entry.payload.size()),
                                    static_cast<schema::EntryKind>(entry.kind));
        },
        &request.entries);
  }
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> members{};
  if (const std::string_view bytes = request.members.text(); !bytes.empty())
    members = to.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  const schema::EntryId previous = packed(request.previous);
  const schema::EntryId acknowledged = packed(request.acknowledged);
  return {schema::Body::AppendRequest,
          schema::CreateAppendRequest(to, &previous, request.commit.value, heads, payloads,
                                      request.read.value, members, request.sent_at.count(),
                                      request.floor.value, request.horizon.value, request.quiet,
                                      &acknowledged)
              .Union()};
}

PackedBody pack(FlatBufferBuilder& to, const AppendResponse& response) {
  const auto promised = static_cast<std::uint64_t>(response.promised.count());
  if (const auto* accepted = std::get_if<Accepted>(&response.verdict))
    return {schema::Body::AppendAccepted,
            schema::CreateAppendAccepted(to, accepted->matched.value, response.read.value,
                                         response.wants_snapshot.value, response.sent_at.count(),
                                         promised, response.disk_full, response.quiet)
                .Union()};
  const auto& rejected = std::get<Rejected>(response.verdict);
  const schema::EntryId previous = packed(rejected.previous);
  const schema::EntryId hint = packed(rejected.hint);
  return {schema::Body::AppendRejected,
          schema::CreateAppendRejected(to, &previous, &hint, response.read.value,
                                       response.wants_snapshot.value, response.sent_at.count(),
                                       promised, response.disk_full, response.set_back)
              .Union()};
}

PackedBody pack(FlatBufferBuilder& to, const TimeoutNow&) {
  return {schema::Body::TimeoutNow, schema::CreateTimeoutNow(to).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const ReadIndexRequest& request) {
  return {schema::Body::ReadIndexRequest,
          schema::CreateReadIndexRequest(to, request.upto.value, request.boot).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const ReadIndexResponse& response) {
  return {
      schema::Body::ReadIndexResponse,
      schema::CreateReadIndexResponse(to, response.upto.value, response.boot, response.index.value)
          .Union()};
}

flatbuffers::Offset<schema::SnapshotHead> pack(FlatBufferBuilder& to, const SnapshotHead& head) {
  const std::string configuration = encode(head.place.configuration);
  const auto bytes = to.CreateVector(reinterpret_cast<const std::uint8_t*>(configuration.data()),
                                     configuration.size());
  const schema::EntryId last = packed(head.place.id);
  return schema::CreateSnapshotHead(to, &last, bytes, head.place.configuration_index.value,
                                    head.size_bytes, head.hash);
}

PackedBody pack(FlatBufferBuilder& to, const SnapshotChunk& chunk) {
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> data{};
  if (!chunk.data.empty()) {
    BlobWriter blob(to, padded(chunk.data.size()));
    blob.put(chunk.data.text());
    data = blob.offset();
  }
  const auto head = pack(to, chunk.head);
  return {schema::Body::SnapshotChunk,
          schema::CreateSnapshotChunk(to, head, chunk.offset, data,
                                      static_cast<std::uint32_t>(chunk.data.size()))
              .Union()};
}

PackedBody pack(FlatBufferBuilder& to, const SnapshotResponse& response) {
  const schema::EntryId last = packed(response.id.last);
  return {schema::Body::SnapshotResponse,
          schema::CreateSnapshotResponse(to, &last, response.id.hash, response.offset,
                                         response.upto, response.corrupt)
              .Union()};
}

flatbuffers::Offset<schema::Message> pack(FlatBufferBuilder& to, const Message& message) {
  const auto [type, body] =
      std::visit([&](const auto& alternative) { return pack(to, alternative); }, message.body);
  return schema::CreateMessage(to, message.cluster.value, message.from.value, message.to.value,
                               message.term.value, type, body);
}

// ---- from the wire

/// Sets `to` to an id in a log of `term`: {0, 0}, or both numbers set and the term not above.
bool unpack(const schema::EntryId* from, Term term, Decoder& decoder, EntryId& to) {
  if (from == nullptr)
    return true;
  to = {{from->term()}, {from->index()}};
  return decoder.counter(to.index.value)
         && decoder.check((to.term == Term{}) == (to.index == Index{}), "half an entry id")
         && decoder.check(to.term <= term, "entry of a term above its message's");
}

/// `to` is the entry after `previous` in a log of `term`.
bool unpack(const schema::EntryHead& from, EntryId previous, Term term, Decoder& decoder,
            Entry& to) {
  to.id = {{from.term()}, {from.index()}};
  to.kind = static_cast<EntryKind>(from.kind());
  return decoder.counter(to.id.index.value)
         && decoder.check(to.id.index == next(previous.index), "gap between entries")
         && decoder.check(to.id.term >= previous.term && to.id.term > Term{}, "terms fall")
         && decoder.check(to.id.term <= term, "entry of a term above its message's")
         && decoder.check(from.kind() <= schema::EntryKind::MAX, "unknown kind of entry");
}

bool unpack_entries(const schema::AppendRequest& from, Term term, Decoder& decoder,
                    AppendRequest& to) {
  BlobReader blob(decoder, from.payloads());
  std::span<const schema::EntryHead> heads;
  if (!decoder.structs(from.entries(), heads) || !blob.check_start())
    return false;
  to.entries.reserve(heads.size());
  EntryId previous = to.previous;
  for (const schema::EntryHead& head : heads) {
    Entry& entry = to.entries.emplace_back();
    if (!unpack(head, previous, term, decoder, entry) || !blob.take(head.size(), entry.payload))
      return false;
    previous = entry.id;
  }
  return blob.check_end();
}

bool unpack(const schema::PreVoteRequest& from, Term term, Decoder& decoder, Body& to) {
  return unpack(from.last(), term, decoder, to.emplace<PreVoteRequest>().last);
}

bool unpack(const schema::PreVoteResponse& from, Term, Decoder& decoder, Body& to) {
  to = PreVoteResponse{.granted = from.granted(), .asked = {from.asked()}};
  return decoder.counter(from.asked());
}

bool unpack(const schema::VoteRequest& from, Term term, Decoder& decoder, Body& to) {
  auto& request = to.emplace<VoteRequest>();
  request.transfer = from.transfer();
  return unpack(from.last(), term, decoder, request.last);
}

bool unpack(const schema::VoteResponse& from, Term, Decoder&, Body& to) {
  to = VoteResponse{.granted = from.granted()};
  return true;
}

bool unpack_members(const schema::AppendRequest& from, Decoder& decoder, AppendRequest& to) {
  if (from.members() == nullptr)
    return true;
  to.members = decoder.slice({from.members()->data(), from.members()->size()});
  return decoder.spend(to.members.size());
}

bool unpack(const schema::AppendRequest& from, Term term, Decoder& decoder, Body& to) {
  auto& request = to.emplace<AppendRequest>();
  request.commit = {from.commit()};
  request.read = {from.read()};
  request.sent_at = Time(from.sent_at());
  request.floor = {from.floor()};
  request.horizon = {from.horizon()};
  request.quiet = from.quiet();
  return decoder.counter(from.commit()) && decoder.counter(from.read())
         && decoder.counter(from.floor()) && decoder.counter(from.horizon())
         && unpack(from.previous(), term, decoder, request.previous)
         && unpack(from.acknowledged(), term, decoder, request.acknowledged)
         && unpack_entries(from, term, decoder, request) && unpack_members(from, decoder, request);
}

/// What both verdicts carry.
template <class Table>
bool unpack_response(const Table& from, AppendResponse response, Decoder& decoder, Body& to) {
  response.read = {from.read()};
  response.sent_at = Time(from.sent_at());
  response.wants_snapshot = {from.wants_snapshot()};
  response.disk_full = from.disk_full();
  if (!decoder.counter(from.read()) || !decoder.counter(from.promised())
      || !decoder.counter(from.wants_snapshot()))
    return false;
  response.promised = Duration(static_cast<Duration::rep>(from.promised()));
  to = response;
  return true;
}

bool unpack(const schema::AppendAccepted& from, Term, Decoder& decoder, Body& to) {
  return decoder.counter(from.matched())
         && unpack_response(from, {.verdict = Accepted{{from.matched()}}, .quiet = from.quiet()},
                            decoder, to);
}

bool unpack(const schema::AppendRejected& from, Term term, Decoder& decoder, Body& to) {
  Rejected rejected;
  return unpack(from.previous(), term, decoder, rejected.previous)
         && unpack(from.hint(), term, decoder, rejected.hint)
         && decoder.check(rejected.hint.index <= rejected.previous.index
                              && rejected.hint.term <= rejected.previous.term,
                          "hint after what was rejected")
         && unpack_response(from, {.verdict = rejected, .set_back = from.set_back()}, decoder, to);
}

bool unpack(const schema::TimeoutNow&, Term, Decoder&, Body& to) {
  to = TimeoutNow{};
  return true;
}

bool unpack(const schema::ReadIndexRequest& from, Term, Decoder& decoder, Body& to) {
  to = ReadIndexRequest{.upto = {from.upto()}, .boot = from.boot()};
  return decoder.counter(from.upto());
}

bool unpack(const schema::ReadIndexResponse& from, Term, Decoder& decoder, Body& to) {
  to = ReadIndexResponse{.upto = {from.upto()}, .boot = from.boot(), .index = {from.index()}};
  return decoder.counter(from.upto()) && decoder.counter(from.index());
}

/// A place in a log of `term`, behind a configuration, and what is not empty.
bool unpack(const schema::SnapshotHead& from, Term term, Decoder& decoder, SnapshotHead& to) {
  const auto* bytes = from.configuration();
  if (!unpack(from.last(), term, decoder, to.place.id)
      || !decoder.check(to.place.id != EntryId{}, "snapshot of nothing")
      || !decoder.check(bytes != nullptr && bytes->size() > 0, "snapshot without configuration")
      || !decoder.spend(bytes->size()))
    return false;
  auto configuration = decode_configuration(
      {reinterpret_cast<const char*>(bytes->data()), static_cast<std::size_t>(bytes->size())});
  if (!decoder.check(configuration && !configuration->empty(), "not a configuration"))
    return false;
  to.place.configuration = *std::move(configuration);
  to.place.configuration_index = {from.configuration_index()};
  to.size_bytes = from.size();
  to.hash = from.hash();
  return decoder.counter(to.size_bytes)
         && decoder.check(to.place.configuration_index <= to.place.id.index,
                          "configuration behind its snapshot")
         && decoder.check(to.size_bytes > 0, "snapshot without bytes");
}

bool unpack(const schema::SnapshotChunk& from, Term term, Decoder& decoder, Body& to) {
  auto& chunk = to.emplace<SnapshotChunk>();
  chunk.offset = from.offset();
  BlobReader blob(decoder, from.data());
  return decoder.check(from.head() != nullptr, "chunk of no snapshot")
         && unpack(*from.head(), term, decoder, chunk.head) && blob.check_start()
         && blob.take(from.size(), chunk.data) && blob.check_end()
         && decoder.check(chunk.offset <= chunk.head.size_bytes
                              && from.size() <= chunk.head.size_bytes - chunk.offset,
                          "chunk past the end of its snapshot");
}

bool unpack(const schema::SnapshotResponse& from, Term term, Decoder& decoder, Body& to) {
  auto& response = to.emplace<SnapshotResponse>();
  response.id.hash = from.hash();
  response.offset = from.offset();
  response.upto = from.upto();
  response.corrupt = from.corrupt();
  return unpack(from.last(), term, decoder, response.id.last) && decoder.counter(response.offset)
         && decoder.counter(response.upto);
}

template <class Table>
bool unpack_body(const Table* from, Term term, Decoder& decoder, Body& to) {
  return decoder.check(from != nullptr, "message without body") && decoder.table(*from)
         && unpack(*from, term, decoder, to);
}

bool unpack_body(const schema::Message& from, Term term, Decoder& decoder, Body& to) {
  switch (from.body_type()) {
    case schema::Body::PreVoteRequest:
      return unpack_body(from.body_as_PreVoteRequest(), term, decoder, to);
    case schema::Body::PreVoteResponse:
      return unpack_body(from.body_as_PreVoteResponse(), term, decoder, to);
    case schema::Body::VoteRequest:
      return unpack_body(from.body_as_VoteRequest(), term, decoder, to);
    case schema::Body::VoteResponse:
      return unpack_body(from.body_as_VoteResponse(), term, decoder, to);
    case schema::Body::AppendRequest:
      return unpack_body(from.body_as_AppendRequest(), term, decoder, to);
    case schema::Body::AppendAccepted:
      return unpack_body(from.body_as_AppendAccepted(), term, decoder, to);
    case schema::Body::AppendRejected:
      return unpack_body(from.body_as_AppendRejected(), term, decoder, to);
    case schema::Body::TimeoutNow:
      return unpack_body(from.body_as_TimeoutNow(), term, decoder, to);
    case schema::Body::ReadIndexRequest:
      return unpack_body(from.body_as_ReadIndexRequest(), term, decoder, to);
    case schema::Body::ReadIndexResponse:
      return unpack_body(from.body_as_ReadIndexResponse(), term, decoder, to);
    case schema::Body::SnapshotChunk:
      return unpack_body(from.body_as_SnapshotChunk(), term, decoder, to);
    case schema::Body::SnapshotResponse:
      return unpack_body(from.body_as_SnapshotResponse(), term, decoder, to);
    case schema::Body::NONE:
      break;
  }
  return decoder.check(false, "unknown kind of message");
}

/// What the head of a message takes at least: four numbers, of which sender and receiver are
/// never zero, and the offsets of and to its body.
constexpr std::size_t message_bytes_min = 32;

bool unpack(const schema::Message& from, Decoder& decoder, Message& to) {
  to.cluster = {from.cluster()};
  to.from = {from.from()};
  to.to = {from.to()};
  to.term = {from.term()};
  return decoder.table(from, message_bytes_min) && decoder.counter(to.term.value)
         && decoder.check(to.from != nobody && to.to != nobody, "message from or to nobody")
         && unpack_body(from, to.term, decoder, to.body);
}

}  // namespace

flatbuffers::Offset<schema::PeerMessages> pack(FlatBufferBuilder& to,
                                               const PeerMessages& messages) {
  std::vector<flatbuffers::Offset<schema::Message>> offsets;
  offsets.reserve(messages.messages.size());
  for (const Message& message : messages.messages)
    offsets.push_back(pack(to, message));
  return schema::CreatePeerMessages(to, to.CreateVector(offsets), messages.ended);
}

bool unpack(const schema::PeerMessages& from, Decoder& decoder, PeerMessages& to) {
  to.ended = from.ended();
  const auto* messages = from.messages();
  if (messages == nullptr)
    return true;
  if (!decoder.check(messages->size() <= messages_max, "too many messages")
      || !decoder.list(messages->size()))
    return false;
  to.messages.reserve(messages->size());
  for (const schema::Message* message : *messages) {
    if (!unpack(*message, decoder, to.messages.emplace_back()))
      return false;
  }
  return true;
}

std::size_t size_hint(const PeerMessages& messages) {
  constexpr std::size_t message_bytes = 128;
  std::size_t size = 0;
  for (const Message& message : messages.messages) {
    size += message_bytes;
    if (const auto* request = std::get_if<AppendRequest>(&message.body))
      size += request->entries.size() * sizeof(schema::EntryHead) + blob_size(request->entries);
    if (const auto* chunk = std::get_if<SnapshotChunk>(&message.body))
      size += message_bytes + padded(chunk->data.size());
  }
  return size;
}

}  // namespace troupe::wire
