#include "wire/packet.hpp"

#include "core/assert.hpp"
#include "wire/codec.hpp"
#include "wire/packet_generated.h"

#include <utility>

namespace troupe::wire {

namespace {

using flatbuffers::FlatBufferBuilder;

constexpr std::size_t packet_bytes = 512;

template <class Body>
std::size_t size_hint(const Body&) {
  return 0;
}

schema::PacketBody type_of(const Packet& packet) {
  // In the order of the variant.
  constexpr schema::PacketBody types[] = {
      schema::PacketBody::Hello,   schema::PacketBody::PeerMessages,
      schema::PacketBody::Calls,   schema::PacketBody::CallReplies,
      schema::PacketBody::Request, schema::PacketBody::Response,
  };
  static_assert(std::size(types) == std::variant_size_v<Packet>);
  return types[packet.index()];
}

template <class Body, class Table>
bool unpack_body(const Table* from, Decoder& decoder, Packet& to) {
  return decoder.check(from != nullptr, "packet without body")
         && unpack(*from, decoder, to.emplace<Body>());
}

bool unpack_packet(const schema::Packet& from, Decoder& decoder, Packet& to) {
  switch (from.body_type()) {
    case schema::PacketBody::Hello:
      return unpack_body<Hello>(from.body_as_Hello(), decoder, to);
    case schema::PacketBody::PeerMessages:
      return unpack_body<PeerMessages>(from.body_as_PeerMessages(), decoder, to);
    case schema::PacketBody::Calls:
      return unpack_body<Calls>(from.body_as_Calls(), decoder, to);
    case schema::PacketBody::CallReplies:
      return unpack_body<CallReplies>(from.body_as_CallReplies(), decoder, to);
    case schema::PacketBody::Request:
      return unpack_body<Request>(from.body_as_Request(), decoder, to);
    case schema::PacketBody::Response:
      return unpack_body<Response>(from.body_as_Response(), decoder, to);
    case schema::PacketBody::NONE:
      break;
  }
  return decoder.check(false, "unknown kind of packet");
}

bool verify(const Bytes& body) {
  // The deepest is the member of a configuration of a status in a response.
  constexpr flatbuffers::uoffset_t depth_max = 8;
  // Each table takes eight bytes at least, so that a larger number is a table that is referred to
  // many times: a frame that takes longer to verify than its size allows.
  constexpr std::size_t table_bytes_min = 8;
  const auto tables_max = static_cast<flatbuffers::uoffset_t>(body.size() / table_bytes_min);
  flatbuffers::Verifier verifier(body.data(), body.size(), depth_max, tables_max);
  return schema::VerifyPacketBuffer(verifier);
}

}  // namespace

std::string_view clipped(std::string_view detail) {
  return detail.substr(0, detail_bytes_max);
}

Frame encode(const Packet& packet) {
  return std::visit(
      [&](const auto& alternative) {
        FlatBufferBuilder builder(packet_bytes + size_hint(alternative));
        const auto body = pack(builder, alternative).Union();
        schema::FinishPacketBuffer(builder, schema::CreatePacket(builder, type_of(packet), body));
        return make_frame({builder.GetBufferPointer(), builder.GetSize()});
      },
      packet);
}

Result<Packet> decode(const Bytes& body) {
  if (body.size() > frame_body_bytes_max)
    return {Refusal::invalid, "frame too large"};
  if (reinterpret_cast<std::uintptr_t>(body.data()) % blob_alignment != 0)
    return decode(Bytes::copy_of(body.span()));  // Not from a `FrameCutter`.
  if (!verify(body))
    return {Refusal::invalid, "not a packet"};

  Decoder decoder(body);
  Packet packet;
  if (!unpack_packet(*schema::GetPacket(body.data()), decoder, packet) || !decoder.check_end())
    return {Refusal::invalid, decoder.problem()};
  if (const auto* hello = std::get_if<Hello>(&packet); hello && hello->version != protocol_version)
    return {Refusal::invalid, "protocol version " + std::to_string(hello->version) + ", this is "
                                  + std::to_string(protocol_version)};
  return packet;
}

}  // namespace troupe::wire
