#include "test/wire/samples.hpp"
#include "wire/packet.hpp"
#include "wire/packet_generated.h"

#include <doctest/doctest.h>
#include <flatbuffers/flatbuffers.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::wire;

// Frames from someone who knows the protocol and the checksum, and means harm.

namespace {

/// Decodes `body`; what is accepted must be sound, which another round trip shows.
void check_harmless(const std::string& body) {
  const auto decoded = decode(Bytes::copy_of(body));
  if (!decoded) {
    CHECK(decoded.refusal() == Refusal::invalid);
    CHECK(!decoded.detail().empty());
    return;
  }
  const auto again = decode(body_of(*decoded));
  CHECK_MESSAGE(again, again.detail());
}

std::string problem_of(const Packet& packet) {
  const auto decoded = decode(body_of(packet));
  return decoded ? "accepted" : decoded.detail();
}

std::string problem_of(AppendRequest request) {
  return problem_of(PeerMessages{{message(std::move(request))}});
}

/// The problem with a packet that was built by hand.
std::string problem_of(
    schema::PacketBody type,
    const std::function<flatbuffers::Offset<void>(flatbuffers::FlatBufferBuilder&)>& build) {
  flatbuffers::FlatBufferBuilder builder;
  const auto body = build(builder);
  schema::FinishPacketBuffer(builder, schema::CreatePacket(builder, type, body));
  const auto decoded = decode(Bytes::copy_of({builder.GetBufferPointer(), builder.GetSize()}));
  return decoded ? "accepted" : decoded.detail();
}

/// FlatBuffers 2 takes the size of an element for its alignment; later versions are told it.
template <class Builder>
void start_bytes(Builder& builder, std::size_t size) {
  if constexpr (requires { builder.StartVector(size, 1, 1); })
    builder.StartVector(size, 1, 1);
  else
    builder.StartVector(size, 1);
}

}  // namespace

TEST_CASE("a packet cut at any byte is refused or sound") {
  for (const Packet& packet : samples()) {
    const std::string body(body_of(packet).text());
    for (std::size_t size = 0; size < body.size(); ++size)
      check_harmless(body.substr(0, size));
  }
}

TEST_CASE("a packet with any byte changed is refused or sound") {
  for (const Packet& packet : samples()) {
    const std::string sound(body_of(packet).text());
    for (std::size_t i = 0; i < sound.size(); ++i) {
      for (const int flip : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}) {
        std::string broken = sound;
        broken[i] = static_cast<char>(broken[i] ^ flip);
        check_harmless(broken);
      }
    }
  }
}

TEST_CASE("noise is refused") {
  CHECK(!decode(Bytes{}));
  CHECK(!decode(Bytes::copy_of("GET / HTTP/1.1\r\n\r\n")));
  CHECK(!decode(Bytes::copy_of(std::string(4096, '\0'))));
  CHECK(!decode(Bytes::copy_of(std::string(4096, '\xff'))));
}

TEST_CASE("entries that could not stand in one log are refused") {
  AppendRequest request = append_request();
  CHECK(problem_of(request) == "accepted");

  SUBCASE("a gap after the previous entry") {
    request.previous.index = {9};
    CHECK(problem_of(request) == "gap between entries");
  }
  SUBCASE("a gap between two") {
    request.entries[1].id.index = {13};
    CHECK(problem_of(request) == "gap between entries");
  }
  SUBCASE("a term below that of the previous entry") {
    request.previous.term = {4};
    CHECK(problem_of(request) == "terms fall");
  }
  SUBCASE("a term that falls") {
    request.entries[1].id.term = {2};
    CHECK(problem_of(request) == "terms fall");
  }
  SUBCASE("a term above the sender's") {
    request.entries[2].id.term = {6};
    CHECK(problem_of(request) == "entry of a term above its message's");
  }
  SUBCASE("term 0") {
    request.previous = {};
    request.entries = {entry(0, 1, "")};
    CHECK(problem_of(request) == "terms fall");
  }
  SUBCASE("an index that would overflow") {
    request.previous.index = {std::uint64_t{1} << 63};
    CHECK(problem_of(request) == "number out of range");
  }
  SUBCASE("the last index there is") {
    request.previous.index = {(std::uint64_t{1} << 63) - 1};
    request.entries = {entry(5, std::uint64_t{1} << 63, "")};
    CHECK(problem_of(request) == "number out of range");
  }
  SUBCASE("half an id") {
    request.previous.index = {};
    CHECK(problem_of(request) == "half an entry id");
  }
  SUBCASE("an unknown kind") {
    request.entries[0].kind = static_cast<EntryKind>(4);
    CHECK(problem_of(request) == "unknown kind of entry");
  }
}

TEST_CASE("numbers and enumerators out of range are refused") {
  const std::uint64_t huge = std::uint64_t{1} << 63;
  Message impossible = message(TimeoutNow{});
  impossible.term = {huge};
  CHECK(problem_of(PeerMessages{{impossible}}) == "number out of range");
  Message unsent = message(TimeoutNow{});
  unsent.from = nobody;
  CHECK(problem_of(PeerMessages{{unsent}}) == "message from or to nobody");
  CHECK(problem_of(Request{.body = AskEntry{{huge}}}) == "number out of range");
  CHECK(problem_of(Calls{.kind = static_cast<CallKind>(2)}) == "unknown kind of call");
  CHECK(problem_of(Calls{.level = static_cast<ReadLevel>(3)}) == "unknown level of reads");
  CHECK(problem_of(Calls{.level = ReadLevel::lease}) == "commands with a level of reads");
  CHECK(problem_of(Response{.refusal = static_cast<Refusal>(20)}) == "unknown refusal");
  CHECK(problem_of(CallReplies{{{1, static_cast<Refusal>(200)}}}) == "unknown refusal");
  PeerStatus status = peer_status();
  status.role = static_cast<Role>(4);
  CHECK(problem_of(Response{.body = status}) == "unknown role");
  status = peer_status();
  status.taking->percent = 101;
  CHECK(problem_of(Response{.body = status}) == "more than all of a snapshot");
  status = peer_status();
  status.followers[0].pace = static_cast<Pace>(4);
  CHECK(problem_of(Response{.body = status}) == "unknown pace");
  status.followers.assign(members_max + 1, {});
  CHECK(problem_of(Response{.body = status}) == "too many followers");
  CHECK(problem_of(PeerMessages{{message(AppendResponse{Rejected{{{3}, {10}}, {{3}, {11}}}, {}})}})
        == "hint after what was rejected");
  CHECK(problem_of(PeerMessages{{message(ReadIndexRequest{{huge}, 1})}}) == "number out of range");
  CHECK(problem_of(PeerMessages{{message(ReadIndexResponse{{huge}, 1, {1}})}})
        == "number out of range");
  CHECK(problem_of(PeerMessages{{message(ReadIndexResponse{{1}, 1, {huge}})}})
        == "number out of range");
  // A promise without end, which would come out as one before the beginning.
  CHECK(problem_of(PeerMessages{{message(AppendResponse{Accepted{}, {}, {}, Duration(-1)})}})
        == "number out of range");
  CHECK(problem_of(PeerMessages{{message(AppendResponse{Rejected{}, {}, {}, Duration::min()})}})
        == "number out of range");
}

TEST_CASE("what a client claims to have seen is in order and in range") {
  const auto problem = [](std::vector<Seen> seen) {
    return problem_of(Calls{.kind = CallKind::query, .level = ReadLevel::sequential, .seen = seen});
  };
  std::vector<Seen> many;
  for (std::uint64_t cluster = 1; cluster <= seen_max; ++cluster)
    many.push_back({{cluster}, {1}});

  CHECK(problem(many) == "accepted");
  many.push_back({{seen_max + 1}, {1}});
  CHECK(problem(many) == "too many clusters seen");
  CHECK(problem({{{1}, {std::uint64_t{1} << 63}}}) == "number out of range");
  CHECK(problem({{{}, {1}}}) == "clusters not sorted");
  CHECK(problem({{{2}, {1}}, {{1}, {1}}}) == "clusters not sorted");
  CHECK(problem({{{2}, {1}}, {{2}, {1}}}) == "clusters not sorted");
}

TEST_CASE("names and lists that are too long are refused") {
  const std::string name(name_bytes_max, 'x');
  CHECK(problem_of(Hello{.node = name, .address = name}) == "accepted");
  CHECK(problem_of(Hello{.node = name + "x"}) == "text too long");
  CHECK(problem_of(Calls{.peer = name + "x"}) == "text too long");
  CHECK(problem_of(CallReplies{.leader = name + "@" + name}) == "accepted");
  CHECK(problem_of(CallReplies{.leader = name + "@" + name + "x"}) == "text too long");
  CHECK(problem_of(Request{.peer = name + "x"}) == "text too long");
  CHECK(problem_of(Request{.body = SetConfiguration{{name + "@" + name + "x"}}})
        == "text too long");
  CHECK(problem_of(
            Request{.body = SetConfiguration{std::vector<std::string>(members_max + 1, "peer")}})
        == "too many members");
  CHECK(problem_of(Request{.body = SetConfiguration{{"peer"}, static_cast<Change>(8)}})
        == "unknown change of configuration");
  CHECK(problem_of(Request{.body = TransferLeadership{name + "@" + name + "x"}})
        == "text too long");
  CHECK(problem_of(Response{.body = std::vector<std::string>(names_max + 1)}) == "too many names");
  Configuration unsorted = joint_configuration();
  std::swap(unsorted.voters[0], unsorted.voters[1]);
  CHECK(problem_of(Response{.body = unsorted}) == "members not sorted by id");
}

TEST_CASE("sizes that do not sum up to the blob are refused") {
  for (const std::uint32_t size : {0u, 8u, 17u, 0xffffffffu}) {
    CAPTURE(size);
    const std::string problem =
        problem_of(schema::PacketBody::Calls, [&](flatbuffers::FlatBufferBuilder& builder) {
          const std::vector<std::uint8_t> blob(16);
          const schema::CallHead head(1, size);
          return schema::CreateCalls(
                     builder, 0, schema::CallKind::command, schema::ReadLevel::linearizable,
                     builder.CreateVectorOfStructs(&head, 1),
                     (builder.ForceVectorAlignment(16, 1, 8), builder.CreateVector(blob)))
              .Union();
        });
    CHECK(problem == (size > 16 ? "sizes exceed the blob" : "sizes do not fill the blob"));
  }
}

TEST_CASE("a list or a blob that is not aligned is refused") {
  // Asking for the alignment of four bytes more shifts what follows by four.
  const auto problem = [](std::size_t list_shift, std::size_t blob_shift) {
    return problem_of(schema::PacketBody::Calls, [&](flatbuffers::FlatBufferBuilder& builder) {
      const schema::CallHead head(1, 8);
      const std::vector<std::uint8_t> blob(8);
      builder.ForceVectorAlignment(sizeof(head) + list_shift, 1, 8);
      start_bytes(builder, sizeof(head));
      builder.PushBytes(reinterpret_cast<const std::uint8_t*>(&head), sizeof(head));
      const flatbuffers::Offset<flatbuffers::Vector<const schema::CallHead*>> list(
          builder.EndVector(1));
      builder.ForceVectorAlignment(blob.size() + blob_shift, 1, 8);
      const auto bytes = builder.CreateVector(blob);
      return schema::CreateCalls(builder, 0, schema::CallKind::command,
                                 schema::ReadLevel::linearizable, list, bytes)
          .Union();
    });
  };
  CHECK(problem(0, 0) == "accepted");
  CHECK(problem(4, 0) == "list not aligned");
  CHECK(problem(0, 4) == "blob not aligned");
}

TEST_CASE("a small frame cannot stand for a huge packet") {
  // One message, listed again and again: four bytes each where an honest one takes forty.
  const std::string messages =
      problem_of(schema::PacketBody::PeerMessages, [](flatbuffers::FlatBufferBuilder& builder) {
        const auto body = schema::CreateTimeoutNow(builder).Union();
        const auto one =
            schema::CreateMessage(builder, 77, 1, 2, 5, schema::Body::TimeoutNow, body);
        const std::vector<flatbuffers::Offset<schema::Message>> all(60000, one);
        return schema::CreatePeerMessages(builder, builder.CreateVector(all)).Union();
      });
  CHECK(messages == "not a packet");  // More tables than bytes for them.

  // Many messages that share one list of entries.
  const std::string entries =
      problem_of(schema::PacketBody::PeerMessages, [](flatbuffers::FlatBufferBuilder& builder) {
        std::vector<schema::EntryHead> heads;
        for (std::uint64_t i = 1; i <= 1000; ++i)
          heads.emplace_back(1, i, 0, schema::EntryKind::noop);
        const auto shared = builder.CreateVectorOfStructs(heads);
        std::vector<flatbuffers::Offset<schema::Message>> all;
        for (int i = 0; i < 1000; ++i) {
          const auto body = schema::CreateAppendRequest(builder, nullptr, 0, shared, 0, 0).Union();
          all.push_back(
              schema::CreateMessage(builder, 77, 1, 2, 5, schema::Body::AppendRequest, body));
        }
        return schema::CreatePeerMessages(builder, builder.CreateVector(all)).Union();
      });
  CHECK(entries == "the same bytes are referred to twice");

  // One long name, listed again and again.
  const std::string names =
      problem_of(schema::PacketBody::Response, [](flatbuffers::FlatBufferBuilder& builder) {
        const auto one = builder.CreateString(std::string(full_name_bytes_max, 'x'));
        const std::vector<flatbuffers::Offset<flatbuffers::String>> all(1000, one);
        const auto body = schema::CreateNames(builder, builder.CreateVector(all)).Union();
        return schema::CreateResponse(builder, 1, schema::Refusal::none, 0,
                                      schema::ResponseBody::Names, body)
            .Union();
      });
  CHECK(names == "the same bytes are referred to twice");
}

TEST_CASE("unions without a body, or of an unknown type, are refused") {
  CHECK(problem_of(schema::PacketBody::NONE, [](auto&) { return flatbuffers::Offset<void>{}; })
        == "unknown kind of packet");
  CHECK(problem_of(schema::PacketBody::Calls, [](auto&) { return flatbuffers::Offset<void>{}; })
        == "packet without body");
  CHECK(problem_of(static_cast<schema::PacketBody>(200),
                   [](auto& builder) { return schema::CreateHello(builder).Union(); })
        == "unknown kind of packet");
  CHECK(problem_of(schema::PacketBody::Request,
                   [](auto& builder) { return schema::CreateRequest(builder, 1).Union(); })
        == "unknown kind of request");
}

namespace {

/// The problem with calls, messages or replies behind so many bytes that no field refers to.
template <class Pack>
std::string problem_behind(std::size_t junk_bytes, schema::PacketBody type, const Pack& pack) {
  return problem_of(type, [&](flatbuffers::FlatBufferBuilder& builder) {
    builder.CreateVector(std::vector<std::uint8_t>(junk_bytes, 7));
    return pack(builder);
  });
}

std::string calls_behind(std::size_t junk_bytes, std::size_t payload_bytes) {
  return problem_behind(junk_bytes, schema::PacketBody::Calls, [&](auto& builder) {
    builder.ForceVectorAlignment(payload_bytes, 1, 8);
    const auto payloads = builder.CreateVector(std::vector<std::uint8_t>(payload_bytes));
    const schema::CallHead head(1, static_cast<std::uint32_t>(payload_bytes));
    const auto heads = builder.CreateVectorOfStructs(&head, 1);
    return schema::CreateCalls(builder, builder.CreateString("p"), schema::CallKind::command,
                               schema::ReadLevel::linearizable, heads, payloads)
        .Union();
  });
}

}  // namespace

TEST_CASE("a frame of which no field refers to a large part is refused") {
  const std::string refused = "bytes that no field refers to";

  CHECK(calls_behind(0, 64) == "accepted");
  CHECK(calls_behind(900, 64) == "accepted");
  CHECK(calls_behind(1400, 64) == refused);
  CHECK(calls_behind(std::size_t{4} << 20, 64) == refused);
  // An eighth of a large frame is nothing to speak of.
  CHECK(calls_behind(std::size_t{100} << 10, std::size_t{1} << 20) == "accepted");
  CHECK(calls_behind(std::size_t{200} << 10, std::size_t{1} << 20) == refused);

  CHECK(problem_behind(4096, schema::PacketBody::PeerMessages,
                       [](auto& builder) { return schema::CreatePeerMessages(builder).Union(); })
        == refused);
  CHECK(problem_behind(4096, schema::PacketBody::CallReplies,
                       [](auto& builder) { return schema::CreateCallReplies(builder).Union(); })
        == refused);
  CHECK(problem_behind(4096, schema::PacketBody::Hello,
                       [](auto& builder) { return schema::CreateHello(builder, 1).Union(); })
        == refused);
}

TEST_CASE("a table that claims to be large accounts for little") {
  // Behind its size, the second number of a vtable is that of its table.
  std::string body(body_of(Packet(PeerMessages{{message(TimeoutNow{})}})).text());
  const auto padding = std::string(4096, '\0');
  const auto* packet = schema::GetPacket(body.data());
  const auto* told = packet->body_as_PeerMessages()->messages()->Get(0);
  const auto* vtable = reinterpret_cast<const flatbuffers::Table*>(told)->GetVTable();
  const auto offset = static_cast<std::size_t>(reinterpret_cast<const char*>(vtable) - body.data());
  body[offset + 2] = '\xff';
  body[offset + 3] = '\xff';

  const auto decoded = decode(Bytes::copy_of(body + padding));

  REQUIRE(!decoded);
  CHECK(decoded.detail() == "bytes that no field refers to");
}

TEST_CASE("large packets of our own, of many small parts, are accounted for") {
  std::vector<Packet> packets;
  for (const Packet& sample : samples())
    if (const auto* messages = std::get_if<PeerMessages>(&sample))
      for (const Message& one : messages->messages)
        packets.push_back(PeerMessages{std::vector<Message>(5000, one)});
  packets.push_back(Calls{.peer = "p", .calls = std::vector<Call>(calls_max)});
  packets.push_back(Calls{.calls = std::vector<Call>(1000, Call{1, Bytes::copy_of("x")})});
  packets.push_back(CallReplies{.replies = std::vector<CallReply>(calls_max)});
  packets.push_back(CallReplies{
      std::vector<CallReply>(1000, {1, Refusal::redirect, "a", {}, Bytes::copy_of("x")})});
  for (const char* name : {"", "a", "ab", "abc", "abcd", "abcde"}) {
    packets.push_back(Response{.body = std::vector<std::string>(5000, name)});
    packets.push_back(
        Request{.body = SetConfiguration{std::vector<std::string>(members_max, name)}});
    packets.push_back(Request{
        .body = StartPeer{"map", {options_max, std::pair<std::string, std::string>(name, name)}}});
    Configuration configuration;
    for (std::uint64_t id = 1; id <= members_max; ++id)
      configuration.voters.push_back({{id}, name, name});
    packets.push_back(Response{.body = configuration});
    PeerStatus status = peer_status();
    status.followers.assign(members_max, {.name = name});
    packets.push_back(Response{.body = status});
  }

  for (const Packet& packet : packets) {
    CAPTURE(packet.index());
    CHECK(problem_of(packet) == "accepted");
  }
}

TEST_CASE("more calls or replies than a packet may hold are counted before they are unpacked") {
  CHECK(problem_of(Calls{.calls = std::vector<Call>(calls_max)}) == "accepted");
  CHECK(problem_of(Calls{.calls = std::vector<Call>(calls_max + 1)}) == "too many calls");
  CHECK(problem_of(CallReplies{.replies = std::vector<CallReply>(calls_max)}) == "accepted");
  CHECK(problem_of(CallReplies{.replies = std::vector<CallReply>(calls_max + 1)})
        == "too many replies");
}
