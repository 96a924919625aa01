#include "wire/client_generated.h"
#include "wire/codec.hpp"

#include <span>
#include <vector>

namespace troupe::wire {

namespace {

using flatbuffers::FlatBufferBuilder;

static_assert(static_cast<int>(schema::Refusal::MAX) == static_cast<int>(Refusal::too_many_peers),
              "the schema knows every refusal");
static_assert(static_cast<int>(schema::ReadLevel::MAX) == static_cast<int>(ReadLevel::sequential),
              "the schema knows every level of reads");

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

bool unpack(const flatbuffers::Vector<const schema::Seen*>* from, Decoder& decoder,
            std::vector<Seen>& to) {
  std::span<const schema::Seen> pairs;
  if (!decoder.structs(from, pairs)
      || !decoder.check(pairs.size() <= seen_max, "too many clusters seen"))
    return false;
  to.reserve(pairs.size());
  ClusterId previous{};
  for (const schema::Seen& pair : pairs) {
    to.push_back({{pair.cluster()}, {pair.index()}});
    if (!decoder.check(previous < to.back().cluster, "clusters not sorted")
        || !decoder.counter(pair.index()))
      return false;
    previous = to.back().cluster;
  }
  return true;
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
  flatbuffers::Offset<flatbuffers::Vector<const schema::Seen*>> seen;
  if (!calls.seen.empty())
    seen = to.CreateVectorOfStructs<schema::Seen>(
        calls.seen.size(),
        [](std::size_t i, schema::Seen* pair, const std::vector<Seen>* from) {
          *pair = schema::Seen((*from)[i].cluster.value, (*from)[i].index.value);
        },
        &calls.seen);
  return schema::CreateCalls(to, peer, static_cast<schema::CallKind>(calls.kind),
                             static_cast<schema::ReadLevel>(calls.level), heads, blob.offset(),
                             seen);
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
  const auto leader = replies.leader.empty() ? flatbuffers::Offset<flatbuffers::String>{}
                                             : to.CreateString(replies.leader);
  return schema::CreateCallReplies(to, heads, blob.offset(), replies.cluster.value, leader);
}

bool unpack(const schema::Calls& from, Decoder& decoder, Calls& to) {
  to.kind = static_cast<CallKind>(from.kind());
  to.level = static_cast<ReadLevel>(from.level());
  BlobReader blob(decoder, from.payloads());
  std::span<const schema::CallHead> heads;
  if (!decoder.check(from.kind() <= schema::CallKind::MAX, "unknown kind of call")
      || !decoder.check(from.level() <= schema::ReadLevel::MAX, "unknown level of reads")
      || !decoder.check(to.kind == CallKind::query || to.level == ReadLevel::linearizable,
                        "commands with a level of reads")
      || !decoder.check(from.calls() == nullptr || from.calls()->size() <= calls_max,
                        "too many calls")
      || !unpack(from.seen(), decoder, to.seen)
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
  to.cluster = {from.cluster()};
  if (!decoder.check(from.replies() == nullptr || from.replies()->size() <= calls_max,
                     "too many replies")
      || !decoder.text(from.leader(), full_name_bytes_max, to.leader)
      || !decoder.structs(from.replies(), heads) || !blob.check_start())
    return false;
  to.replies.reserve(heads.size());
  for (const schema::ReplyHead& head : heads) {
    if (!unpack(head, decoder, blob, to.replies.emplace_back()))
      return false;
  }
  return blob.check_end();
}

std::size_t size_hint(const Calls& calls) {
  return calls.calls.size() * sizeof(schema::CallHead) + blob_size(calls) + calls.peer.size()
         + calls.seen.size() * sizeof(schema::Seen);
}

std::size_t size_hint(const CallReplies& replies) {
  return replies.replies.size() * sizeof(schema::ReplyHead) + blob_size(replies)
         + replies.leader.size();
}

}  // namespace troupe::wire
