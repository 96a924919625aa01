#include "wire/client_generated.h"
#include "wire/codec.hpp"

#include <span>
#include <vector>

namespace troupe::wire {

namespace {

using flatbuffers::FlatBufferBuilder;

static_assert(static_cast<int>(schema::Refusal::MAX) == static_cast<int>(Refusal::stopping),
              "the schema knows every refusal");

std::size_t blob_size(const Calls& calls) {
  std::size_t size = 0;
  for (const Call& call : calls.calls)
    size += padded(call.payload.size());
  return size;
}

std::size_t blob_size(const CallReplies& replies) {
  std::size_t size = 0;
  for (const CallReply& reply : replies.replies)
    size += padded(reply.value.size()) + padded(clipped(reply.detail).size());
  return size;
}

bool unpack(const schema::ReplyHead& from, Decoder& decoder, BlobReader& blob, CallReply& to) {
  Bytes detail;
  to.id = from.id();
  to.index = {from.index()};
  to.refusal = static_cast<Refusal>(from.refusal());
  if (!decoder.counter(from.index())
      || !decoder.check(from.refusal() <= schema::Refusal::MAX, "unknown refusal")
      || !decoder.check(from.detail_size() <= detail_bytes_max, "text too long")
      || !blob.take(from.value_size(), to.value) || !blob.take(from.detail_size(), detail))
    return false;
  to.detail = detail.text();
  return true;
}

}  // namespace

flatbuffers::Offset<schema::Calls> pack(FlatBufferBuilder& to, const Calls& calls) {
  BlobWriter blob(to, blob_size(calls));
  for (const Call& call : calls.calls)
    blob.put(call.payload.text());
  const auto heads = to.CreateVectorOfStructs<schema::CallHead>(
      calls.calls.size(),
      [](std::size_t i, schema::CallHead* head, const std::vector<Call>* from) {
        const Call& call = (*from)[i];
        *head = schema::CallHead(call.id, static_cast<std::uint32_t>(call.payload.size()));
      },
      &calls.calls);
  const auto peer = to.CreateString(calls.peer);
  return schema::CreateCalls(to, peer, static_cast<schema::CallKind>(calls.kind),
                             static_cast<schema::ReadLevel>(calls.level), heads, blob.offset());
}

flatbuffers::Offset<schema::CallReplies> pack(FlatBufferBuilder& to, const CallReplies& replies) {
  BlobWriter blob(to, blob_size(replies));
  for (const CallReply& reply : replies.replies) {
    blob.put(reply.value.text());
    blob.put(clipped(reply.detail));
  }
  const auto heads = to.CreateVectorOfStructs<schema::ReplyHead>(
      replies.replies.size(),
      [](std::size_t i, schema::ReplyHead* head, const std::vector<CallReply>* from) {
        const CallReply& reply = (*from)[i];
        *head = schema::ReplyHead(reply.id, reply.index.value,
                                  static_cast<std::uint32_t>(reply.value.size()),
                                  static_cast<std::uint16_t>(clipped(reply.detail).size()),
                                  static_cast<schema::Refusal>(reply.refusal));
      },
      &replies.replies);
  return schema::CreateCallReplies(to, heads, blob.offset());
}

bool unpack(const schema::Calls& from, Decoder& decoder, Calls& to) {
  to.kind = static_cast<CallKind>(from.kind());
  to.level = static_cast<ReadLevel>(from.level());
  BlobReader blob(decoder, from.payloads());
  std::span<const schema::CallHead> heads;
  if (!decoder.check(from.kind() <= schema::CallKind::MAX, "unknown kind of call")
      || !decoder.check(from.level() <= schema::ReadLevel::MAX, "unknown level of reads")
      || !decoder.text(from.peer(), name_bytes_max, to.peer)
      || !decoder.structs(from.calls(), heads) || !blob.check_start())
    return false;
  to.calls.reserve(heads.size());
  for (const schema::CallHead& head : heads) {
    Call& call = to.calls.emplace_back();
    call.id = head.id();
    if (!blob.take(head.size(), call.payload))
      return false;
  }
  return blob.check_end();
}

bool unpack(const schema::CallReplies& from, Decoder& decoder, CallReplies& to) {
  BlobReader blob(decoder, from.bytes());
  std::span<const schema::ReplyHead> heads;
  if (!decoder.structs(from.replies(), heads) || !blob.check_start())
    return false;
  to.replies.reserve(heads.size());
  for (const schema::ReplyHead& head : heads) {
    if (!unpack(head, decoder, blob, to.replies.emplace_back()))
      return false;
  }
  return blob.check_end();
}

std::size_t size_hint(const Calls& calls) {
  return calls.calls.size() * sizeof(schema::CallHead) + blob_size(calls) + calls.peer.size();
}

std::size_t size_hint(const CallReplies& replies) {
  return replies.replies.size() * sizeof(schema::ReplyHead) + blob_size(replies);
}

}  // namespace troupe::wire
