#include "wire/client_generated.h"
#include "wire/codec.hpp"

#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::wire {

namespace {

using flatbuffers::FlatBufferBuilder;
using PackedBody = std::pair<schema::RequestBody, flatbuffers::Offset<void>>;

PackedBody pack(FlatBufferBuilder& to, const AskLeader&) {
  return {schema::RequestBody::AskLeader, schema::CreateAskLeader(to).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const AskStatus&) {
  return {schema::RequestBody::AskStatus, schema::CreateAskStatus(to).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const AskEntry& ask) {
  return {schema::RequestBody::AskEntry, schema::CreateAskEntry(to, ask.index.value).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const AskIdentity& ask) {
  return {schema::RequestBody::AskIdentity,
          schema::CreateAskIdentity(to, ask.expected.value).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const AskPeers&) {
  return {schema::RequestBody::AskPeers, schema::CreateAskPeers(to).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const StartPeer& start) {
  std::vector<flatbuffers::Offset<schema::StartOption>> options;
  for (const auto& [key, value] : start.options)
    options.push_back(schema::CreateStartOption(to, to.CreateString(key), to.CreateString(value)));
  return {
      schema::RequestBody::StartPeer,
      schema::CreateStartPeer(to, to.CreateString(start.kind), to.CreateVector(options)).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const StopPeer&) {
  return {schema::RequestBody::StopPeer, schema::CreateStopPeer(to).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const SetConfiguration& set) {
  return {schema::RequestBody::SetConfiguration,
          schema::CreateSetConfiguration(to, to.CreateVectorOfStrings(set.members),
                                         static_cast<std::uint8_t>(set.change), set.keep.count,
                                         static_cast<std::uint64_t>(set.keep.after.count()))
              .Union()};
}

PackedBody pack(FlatBufferBuilder& to, const TransferLeadership& transfer) {
  return {schema::RequestBody::TransferLeadership,
          schema::CreateTransferLeadership(to, to.CreateString(transfer.to)).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const TakeSnapshot&) {
  return {schema::RequestBody::TakeSnapshot, schema::CreateTakeSnapshot(to).Union()};
}

PackedBody pack(FlatBufferBuilder& to, const DeletePeer&) {
  return {schema::RequestBody::DeletePeer, schema::CreateDeletePeer(to).Union()};
}

bool unpack(const schema::AskEntry& from, Decoder& decoder, AskEntry& to) {
  to.index = {from.index()};
  return decoder.counter(from.index());
}

bool unpack(const schema::AskIdentity& from, Decoder&, AskIdentity& to) {
  to.expected = {from.expected()};
  return true;
}

bool unpack(const schema::StartPeer& from, Decoder& decoder, StartPeer& to) {
  if (!decoder.text(from.kind(), name_bytes_max, to.kind))
    return false;
  if (from.options() == nullptr)
    return true;
  if (!decoder.check(from.options()->size() <= options_max, "too many options")
      || !decoder.list(from.options()->size()))
    return false;
  for (const schema::StartOption* option : *from.options()) {
    auto& [key, value] = to.options.emplace_back();
    if (!decoder.table(*option) || !decoder.text(option->key(), name_bytes_max, key)
        || !decoder.text(option->value(), detail_bytes_max, value))
      return false;
  }
  return true;
}

bool unpack(const schema::TransferLeadership& from, Decoder& decoder, TransferLeadership& to) {
  return decoder.text(from.to(), full_name_bytes_max, to.to);
}

bool unpack(const schema::SetConfiguration& from, Decoder& decoder, SetConfiguration& to) {
  if (!decoder.check(from.change() <= static_cast<std::uint8_t>(Change::keep_voters),
                     "unknown change of configuration")
      || !decoder.policy(from.keep_count(), from.keep_after_us(), to.keep))
    return false;
  to.change = static_cast<Change>(from.change());
  if (from.members() == nullptr)
    return true;
  if (!decoder.check(from.members()->size() <= members_max, "too many members")
      || !decoder.list(from.members()->size()))
    return false;
  for (const flatbuffers::String* member : *from.members()) {
    if (!decoder.text(member, full_name_bytes_max, to.members.emplace_back()))
      return false;
  }
  return true;
}

/// Reads `from` as the alternative `Body` of a request; most have no parameters.
template <class Body, class Table>
bool unpack_body(const Table* from, Decoder& decoder, Request& to) {
  if (!decoder.check(from != nullptr, "request without body"))
    return false;
  auto& body = to.body.emplace<Body>();
  if constexpr (std::is_empty_v<Body>)
    return true;
  else
    return unpack(*from, decoder, body);
}

}  // namespace

flatbuffers::Offset<schema::Hello> pack(FlatBufferBuilder& to, const Hello& hello) {
  const auto node = to.CreateString(hello.node);
  const auto address = to.CreateString(hello.address);
  return schema::CreateHello(to, hello.version, node, address, hello.incarnation);
}

bool unpack(const schema::Hello& from, Decoder& decoder, Hello& to) {
  to.version = from.version();
  to.incarnation = from.incarnation();
  return decoder.text(from.node(), name_bytes_max, to.node)
         && decoder.text(from.address(), name_bytes_max, to.address);
}

flatbuffers::Offset<schema::Request> pack(FlatBufferBuilder& to, const Request& request) {
  const auto peer = to.CreateString(request.peer);
  const auto [type, body] =
      std::visit([&](const auto& alternative) { return pack(to, alternative); }, request.body);
  return schema::CreateRequest(to, request.id, peer, type, body);
}

bool unpack(const schema::Request& from, Decoder& decoder, Request& to) {
  to.id = from.id();
  if (!decoder.text(from.peer(), name_bytes_max, to.peer))
    return false;
  switch (from.body_type()) {
    case schema::RequestBody::AskLeader:
      return unpack_body<AskLeader>(from.body_as_AskLeader(), decoder, to);
    case schema::RequestBody::AskStatus:
      return unpack_body<AskStatus>(from.body_as_AskStatus(), decoder, to);
    case schema::RequestBody::AskEntry:
      return unpack_body<AskEntry>(from.body_as_AskEntry(), decoder, to);
    case schema::RequestBody::AskIdentity:
      return unpack_body<AskIdentity>(from.body_as_AskIdentity(), decoder, to);
    case schema::RequestBody::AskPeers:
      return unpack_body<AskPeers>(from.body_as_AskPeers(), decoder, to);
    case schema::RequestBody::StartPeer:
      return unpack_body<StartPeer>(from.body_as_StartPeer(), decoder, to);
    case schema::RequestBody::StopPeer:
      return unpack_body<StopPeer>(from.body_as_StopPeer(), decoder, to);
    case schema::RequestBody::SetConfiguration:
      return unpack_body<SetConfiguration>(from.body_as_SetConfiguration(), decoder, to);
    case schema::RequestBody::TransferLeadership:
      return unpack_body<TransferLeadership>(from.body_as_TransferLeadership(), decoder, to);
    case schema::RequestBody::TakeSnapshot:
      return unpack_body<TakeSnapshot>(from.body_as_TakeSnapshot(), decoder, to);
    case schema::RequestBody::DeletePeer:
      return unpack_body<DeletePeer>(from.body_as_DeletePeer(), decoder, to);
    case schema::RequestBody::NONE:
      break;
  }
  return decoder.check(false, "unknown kind of request");
}

}  // namespace troupe::wire
