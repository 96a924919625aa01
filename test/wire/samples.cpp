#include "test/wire/samples.hpp"

#include "wire/command.hpp"

#include <utility>

namespace troupe::wire {

namespace {

template <class Body>
Packet request(Body body) {
  Request packet{.id = 9, .peer = "peer1"};
  packet.body = std::move(body);
  return packet;
}

template <class Body>
Packet response(Body body) {
  Response packet{.id = 9, .refusal = Refusal::not_found, .detail = "a detail"};
  packet.body = std::move(body);
  return packet;
}

}  // namespace

std::vector<Packet> samples() {
  const Bytes envelope = encode_command(Bytes::copy_of("put x 1").span());
  return {
      Hello{.node = "node1", .address = "127.0.0.1:4001", .incarnation = 42},
      Hello{},
      PeerMessages{},
      PeerMessages{.messages = {}, .ended = 3},
      PeerMessages{{message(PreVoteRequest{{{4}, {12}}}), message(PreVoteResponse{true, {6}}),
                    message(VoteRequest{{{4}, {12}}, true}), message(VoteResponse{true}),
                    message(append_request()), message(AppendRequest{}),
                    message(AppendResponse{Accepted{{13}}, {4}, Time(99), Duration(150'000)}),
                    message(AppendResponse{Rejected{{{3}, {10}}, {{2}, {8}}}, {4}}),
                    message(TimeoutNow{}), message(ReadIndexRequest{{5}, 77}),
                    message(ReadIndexResponse{{5}, 77, {13}})}},
      Calls{"peer1", CallKind::command, ReadLevel::linearizable, {{1, envelope}, {2, {}}}},
      Calls{"peer1", CallKind::query, ReadLevel::linearizable, {{3, Bytes::copy_of("get x")}}},
      Calls{"peer1", CallKind::query, ReadLevel::lease, {{3, Bytes::copy_of("get x")}}},
      Calls{"peer1",
            CallKind::query,
            ReadLevel::sequential,
            {{3, Bytes::copy_of("get x")}, {4, {}}},
            {{{5}, {17}}, {{9}, {3}}}},
      CallReplies{{{5, Refusal::none, "", {19}, {}}}, {5}, "peer2@127.0.0.1:4002"},
      CallReplies{{{1, Refusal::none, "", {13}, Bytes::copy_of("was 0")},
                   {2, Refusal::redirect, "peer2@127.0.0.1:4002", {}, {}},
                   {3, Refusal::resource, "odd", {14}, Bytes::copy_of("and a value")}}},
      request(AskLeader{}),
      request(AskStatus{}),
      request(AskEntry{{7}}),
      request(AskIdentity{}),
      request(AskIdentity{{7}}),
      request(AskPeers{}),
      request(StartPeer{"map", {{"tick_ms", "10"}, {"a", ""}}}),
      request(StopPeer{}),
      request(DeletePeer{}),
      request(SetConfiguration{{"peer1", "peer2@127.0.0.1:4002"}}),
      request(TakeSnapshot{}),
      request(SetConfiguration{{}, Change::keep_voters, {3, std::chrono::seconds(30)}}),
      response(std::monostate{}),
      response(std::string("peer1@127.0.0.1:4001")),
      response(peer_status()),
      response(entry(3, 11, "what it holds")),
      response(Identity{{1}, "map", true, "127.0.0.1:4001", 2, {3}, {4}, {5}}),
      response(joint_configuration()),
      response(std::vector<std::string>{"peer1", "peer2"}),
      response(TakenSnapshot{{{3}, {10}}, 123}),
  };
}

}  // namespace troupe::wire
