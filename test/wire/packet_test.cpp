#include "wire/packet.hpp"

#include "test/wire/samples.hpp"

#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

using namespace troupe;
using namespace troupe::wire;

namespace {

template <class Body>
Body round_trip(const Body& packet) {
  auto decoded = decode(body_of(packet));
  REQUIRE_MESSAGE(decoded, decoded.detail());
  REQUIRE(std::holds_alternative<Body>(*decoded));
  return std::get<Body>(*decoded);
}

template <class Body>
Body round_trip_message(const Body& body) {
  const PeerMessages decoded = round_trip(PeerMessages{{message(body)}});
  REQUIRE(decoded.messages.size() == 1);
  const Message& got = decoded.messages[0];
  CHECK(got.cluster == ClusterId{77});
  CHECK(got.from == PeerId{1});
  CHECK(got.to == PeerId{2});
  CHECK(got.term == Term{5});
  REQUIRE(std::holds_alternative<Body>(got.body));
  return std::get<Body>(got.body);
}

template <class Body>
Body round_trip_request(const Body& body) {
  const Request got = round_trip(Request{.id = 9, .peer = "peer1", .body = body});
  CHECK(got.id == 9);
  CHECK(got.peer == "peer1");
  REQUIRE(std::holds_alternative<Body>(got.body));
  return std::get<Body>(got.body);
}

template <class Body>
Body round_trip_response(const Body& body) {
  const Response got =
      round_trip(Response{.id = 9, .refusal = Refusal::busy, .detail = "why", .body = body});
  CHECK(got.id == 9);
  CHECK(got.refusal == Refusal::busy);
  CHECK(got.detail == "why");
  REQUIRE(std::holds_alternative<Body>(got.body));
  return std::get<Body>(got.body);
}

}  // namespace

TEST_CASE("every packet decodes to what it was encoded from") {
  for (const Packet& packet : samples()) {
    const Bytes body = body_of(packet);
    const auto decoded = decode(body);
    REQUIRE_MESSAGE(decoded, decoded.detail());
    CHECK(decoded->index() == packet.index());
    CHECK(body_of(*decoded) == body);
  }
}

TEST_CASE("a hello tells who speaks") {
  const Hello got = round_trip(Hello{.node = "n", .address = "h:1", .incarnation = 42});

  CHECK(got.version == protocol_version);
  CHECK(got.node == "n");
  CHECK(got.address == "h:1");
  CHECK(got.incarnation == 42);
}

TEST_CASE("a hello of another version is refused, and says of which") {
  const auto decoded = decode(body_of(Hello{.version = protocol_version + 1}));

  REQUIRE(!decoded);
  CHECK(decoded.refusal() == Refusal::invalid);
  CHECK(decoded.detail() == "protocol version 2, this is 1");
}

TEST_CASE("votes and their requests keep their fields") {
  CHECK(round_trip_message(PreVoteRequest{{{4}, {12}}}).last == EntryId{{4}, {12}});
  CHECK(round_trip_message(PreVoteRequest{}).last == EntryId{});
  const auto pre_vote = round_trip_message(PreVoteResponse{.granted = true, .asked = {6}});
  CHECK(pre_vote.granted);
  CHECK(pre_vote.asked == Term{6});
  const auto request = round_trip_message(VoteRequest{{{4}, {12}}, true});
  CHECK(request.last == EntryId{{4}, {12}});
  CHECK(request.transfer);
  CHECK(round_trip_message(VoteResponse{true}).granted);
  CHECK(!round_trip_message(VoteResponse{false}).granted);
  round_trip_message(TimeoutNow{});
}

TEST_CASE("an append request keeps its entries") {
  const AppendRequest sent = append_request();

  const AppendRequest got = round_trip_message(sent);

  CHECK(got.previous == sent.previous);
  CHECK(got.commit == sent.commit);
  CHECK(got.read == sent.read);
  CHECK(got.floor == sent.floor);
  CHECK(got.horizon == sent.horizon);
  CHECK(got.acknowledged == sent.acknowledged);
  CHECK(got.entries == sent.entries);
}

TEST_CASE("times of a leader's clock come back as they were, and so do promises (§6.4.1)") {
  for (const Time time : {Time{}, Time(1), Time::max(), Time(-5), Time::min()}) {
    CHECK(round_trip_message(AppendRequest{.sent_at = time}).sent_at == time);
    const AppendResponse accepted{Accepted{{13}}, {4}, time, Duration(150'000)};
    CHECK(round_trip_message(accepted).sent_at == time);
    CHECK(round_trip_message(accepted).promised == Duration(150'000));
    const AppendResponse rejected{Rejected{{{3}, {10}}, {{2}, {8}}}, {4}, time, Duration(7)};
    CHECK(round_trip_message(rejected).sent_at == time);
    CHECK(round_trip_message(rejected).promised == Duration(7));
  }
  CHECK(round_trip_message(AppendResponse{.verdict = Rejected{}, .set_back = true}).set_back);
  CHECK(!round_trip_message(AppendResponse{.verdict = Rejected{}}).set_back);
}

TEST_CASE("what followers ask of their leader for reads keeps its fields") {
  const auto request = round_trip_message(ReadIndexRequest{{5}, ~std::uint64_t{0}});
  CHECK(request.upto == ReadId{5});
  CHECK(request.boot == ~std::uint64_t{0});
  const auto response = round_trip_message(ReadIndexResponse{{5}, 77, {13}});
  CHECK(response.upto == ReadId{5});
  CHECK(response.boot == 77);
  CHECK(response.index == Index{13});
}

TEST_CASE("the last word of a leader, and the answer to it, keep the peace") {
  for (const bool quiet : {false, true}) {
    CHECK(round_trip_message(AppendRequest{.quiet = quiet}).quiet == quiet);
    CHECK(round_trip_message(AppendResponse{.verdict = Accepted{}, .quiet = quiet}).quiet == quiet);
  }
  CHECK_FALSE(round_trip_message(AppendResponse{.verdict = Rejected{}, .quiet = true}).quiet);
}

TEST_CASE("a beat says how many peers have ended on its node") {
  CHECK(round_trip(PeerMessages{.messages = {}, .ended = 3}).ended == 3);
}

TEST_CASE("an append response says whether the disk is full") {
  for (const bool full : {false, true}) {
    CHECK(round_trip_message(AppendResponse{.verdict = Accepted{}, .disk_full = full}).disk_full
          == full);
    CHECK(round_trip_message(AppendResponse{.verdict = Rejected{}, .disk_full = full}).disk_full
          == full);
  }
}

TEST_CASE("an append response keeps its verdict") {
  const auto accepted = round_trip_message(AppendResponse{Accepted{{13}}, {4}});
  CHECK(accepted.read == ReadId{4});
  CHECK(std::get<Accepted>(accepted.verdict).matched == Index{13});

  const auto rejected = round_trip_message(AppendResponse{Rejected{{{3}, {10}}, {{2}, {8}}}, {4}});
  CHECK(rejected.read == ReadId{4});
  CHECK(std::get<Rejected>(rejected.verdict).previous == EntryId{{3}, {10}});
  CHECK(std::get<Rejected>(rejected.verdict).hint == EntryId{{2}, {8}});
}

TEST_CASE("payloads are slices of the frame, aligned, and keep it alive") {
  Bytes body = body_of(PeerMessages{{message(append_request())}});
  const std::uint8_t* begin = body.data();
  const std::uint8_t* end = begin + body.size();

  auto decoded = decode(body);
  body = {};

  REQUIRE(decoded);
  const Message& got = std::get<PeerMessages>(*decoded).messages.at(0);
  for (const Entry& entry : std::get<AppendRequest>(got.body).entries) {
    if (entry.payload.empty())
      continue;
    CHECK(entry.payload.data() >= begin);
    CHECK(entry.payload.data() + entry.payload.size() <= end);
    CHECK(reinterpret_cast<std::uintptr_t>(entry.payload.data()) % 8 == 0);
  }
  CHECK(std::get<AppendRequest>(got.body).entries.at(2).payload.text() == "a longer payload");
}

TEST_CASE("calls and their replies keep their fields") {
  const std::vector<Seen> seen = {{{5}, {17}}, {{9}, {3}}};
  const Calls calls = round_trip(Calls{
      "peer1", CallKind::query, ReadLevel::sequential, {{3, Bytes::copy_of("x")}, {4}}, seen});
  CHECK(calls.peer == "peer1");
  CHECK(calls.kind == CallKind::query);
  CHECK(calls.level == ReadLevel::sequential);
  CHECK(calls.seen == seen);
  for (const ReadLevel level : {ReadLevel::linearizable, ReadLevel::lease})
    CHECK(round_trip(Calls{.kind = CallKind::query, .level = level}).level == level);
  REQUIRE(calls.calls.size() == 2);
  CHECK(calls.calls[0].id == 3);
  CHECK(calls.calls[0].payload.text() == "x");
  CHECK(calls.calls[1].id == 4);
  CHECK(calls.calls[1].payload.empty());

  const CallReplies replies =
      round_trip(CallReplies{{{7, Refusal::resource, "odd", {14}, Bytes::copy_of("value")},
                              {8, Refusal::none, "", {15}, {}}},
                             {77},
                             "peer2@h:1"});
  CHECK(replies.cluster == ClusterId{77});
  CHECK(replies.leader == "peer2@h:1");
  REQUIRE(replies.replies.size() == 2);
  CHECK(replies.replies[0].id == 7);
  CHECK(replies.replies[0].refusal == Refusal::resource);
  CHECK(replies.replies[0].detail == "odd");
  CHECK(replies.replies[0].index == Index{14});
  CHECK(replies.replies[0].value.text() == "value");
  CHECK(replies.replies[1].id == 8);
  CHECK(replies.replies[1].refusal == Refusal::none);
}

TEST_CASE("a detail of any length travels, cut to its limit") {
  const std::string longest(detail_bytes_max, 'x');

  const CallReplies replies = round_trip(CallReplies{{{1, Refusal::resource, longest + "y"}}});
  const Response response = round_trip(Response{.detail = longest + "y"});

  CHECK(replies.replies.at(0).detail == longest);
  CHECK(response.detail == longest);
}

TEST_CASE("requests keep their fields") {
  round_trip_request(AskLeader{});
  round_trip_request(AskStatus{});
  round_trip_request(TakeSnapshot{});
  CHECK(round_trip_request(AskIdentity{}).expected == nobody);
  CHECK(round_trip_request(AskIdentity{{~std::uint64_t{0}}}).expected.value == ~std::uint64_t{0});
  round_trip_request(AskPeers{});
  round_trip_request(StopPeer{});
  round_trip_request(DeletePeer{});
  CHECK(round_trip_request(AskEntry{{7}}).index == Index{7});
  const StartPeer start = round_trip_request(StartPeer{"map", {{"tick_ms", "10"}, {"a", ""}}});
  CHECK(start.kind == "map");
  CHECK(start.options == StartPeer{"map", {{"tick_ms", "10"}, {"a", ""}}}.options);
  const std::vector<std::string> members = {"peer1", "peer2@127.0.0.1:4002"};
  CHECK(round_trip_request(SetConfiguration{members}).members == members);
  CHECK(round_trip_request(SetConfiguration{members, Change::demote}).change == Change::demote);
  const VoterPolicy keep{.count = 3, .after = std::chrono::seconds(30)};
  CHECK(round_trip_request(SetConfiguration{{}, Change::keep_voters, keep}).keep == keep);
  CHECK(round_trip_request(TransferLeadership{"peer2"}).to == "peer2");
  CHECK(round_trip_request(TransferLeadership{}).to.empty());
}

TEST_CASE("responses keep their fields") {
  round_trip_response(std::monostate{});
  CHECK(round_trip_response(std::string("peer1@h:1")) == "peer1@h:1");
  const Entry sent = entry(3, 11, "what it holds");
  CHECK(round_trip_response(sent) == sent);
  const Identity identity =
      round_trip_response(Identity{{1}, "map", true, "h:1", 2, {3}, {4}, {5}});
  CHECK(identity.id == PeerId{1});
  CHECK(identity.kind == "map");
  CHECK(identity.running);
  CHECK(identity.address == "h:1");
  CHECK(identity.node == 2);
  CHECK(identity.cluster == ClusterId{3});
  CHECK(identity.term == Term{4});
  CHECK(identity.last == Index{5});
  CHECK(round_trip_response(joint_configuration()) == joint_configuration());
  const std::vector<std::string> names = {"peer1", "peer2"};
  CHECK(round_trip_response(names) == names);
  const TakenSnapshot taken = round_trip_response(TakenSnapshot{{{3}, {10}}, 123});
  CHECK(taken.id == EntryId{{3}, {10}});
  CHECK(taken.size_bytes == 123);
}

TEST_CASE("a status keeps its fields") {
  PeerStatus sent = peer_status();
  sent.quiet = true;

  const PeerStatus got = round_trip_response(sent);

  CHECK(got.name == sent.name);
  CHECK(got.kind == sent.kind);
  CHECK(got.role == sent.role);
  CHECK(got.leader == sent.leader);
  CHECK(got.term == sent.term);
  CHECK(got.commit == sent.commit);
  CHECK(got.applied == sent.applied);
  CHECK(got.last == sent.last);
  CHECK(got.configuration == sent.configuration);
  CHECK(got.configuration_index == sent.configuration_index);
  CHECK(got.store_bytes == sent.store_bytes);
  CHECK(got.lease_ms == sent.lease_ms);
  CHECK(got.read_rounds == sent.read_rounds);
  CHECK(got.disk_stalls == sent.disk_stalls);
  CHECK(got.disk_full == sent.disk_full);
  CHECK(got.quiet == sent.quiet);
  CHECK(got.first == sent.first);
  CHECK(got.holes == sent.holes);
  CHECK(got.cleaned_upto == sent.cleaned_upto);
  CHECK(got.log_bytes == sent.log_bytes);
  CHECK(got.snapshot == sent.snapshot);
  CHECK(got.snapshot_bytes == sent.snapshot_bytes);
  CHECK(got.taking == sent.taking);
  CHECK(got.receiving == sent.receiving);
  CHECK(got.followers == sent.followers);
}

TEST_CASE("a thousand entries travel in one frame") {
  AppendRequest request{.previous = {{1}, {1}}};
  for (std::uint64_t i = 0; i < 1000; ++i)
    request.entries.push_back(entry(1 + i / 300, 2 + i, std::string(i % 100, 'x')));

  CHECK(round_trip_message(request).entries == request.entries);
}
