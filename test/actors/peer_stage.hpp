#pragma once

#include "actors/disk/snapshot_actor.hpp"
#include "actors/disk/store_actor.hpp"
#include "actors/peer/peer_actor.hpp"
#include "storage/memory_store.hpp"
#include "storage/snapshots/memory_snapshots.hpp"
#include "test/actors/register_kind.hpp"
#include "test/actors/still_system.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actors::test {

inline constexpr PeerId us{1};
inline constexpr ClusterId cluster{77};
inline constexpr std::uint64_t our_node = 1001;  ///< As in `wire::Identity`.
inline const std::string contact = "h9:1";

inline std::string address_of(PeerId peer) {
  return "h" + std::to_string(peer.value) + ":1";
}

inline Member member(PeerId peer) {
  return {peer, "p" + std::to_string(peer.value), address_of(peer)};
}

/// A log that begins with the configuration of peers 1 to `peers`, in term 1.
inline Recovered founded(std::uint64_t peers) {
  Configuration configuration;
  for (std::uint64_t id = 1; id <= peers; ++id)
    configuration.voters.push_back(member({id}));
  Recovered recovered;
  recovered.hard_state = {.term = {1}, .voted_for = {}, .cluster = cluster};
  recovered.entries = {{.id = {{1}, {1}},
                        .kind = EntryKind::configuration,
                        .payload = Bytes::copy_of(encode(configuration))}};
  return recovered;
}

/// Peer 1 with its store and resource. Its node, the other peers' connections and a client are
/// ears; what the others would say comes from the test.
struct PeerStage {
  storage::MemoryDisk disk{};
  StillSystem still{};
  Ear node{still};
  Ear second{still};  ///< The connection to the node of peer 2.
  Ear third{still};
  Ear client{still};
  caf::actor store = still.actors->spawn<StoreActor>(storage::open_memory_store(disk));
  storage::MemoryShelf shelf{};
  caf::actor snapshots = still.actors->spawn<SnapshotActor>(storage::open_memory_snapshots(shelf));
  caf::actor peer{};
  Backlog backlog{BacklogLimits{}};
  std::weak_ptr<const void> last_ticket{};  ///< Of the last call.

  explicit PeerStage(Recovered recovered, storage::MemoryShelf with = {},
                     std::vector<std::string> contacts = {})
      : shelf(std::move(with)) {
    const storage::PeerRecord record{us, "p1", "register", true};
    send_from_outside(store, PutPeer{node.actor, record});
    still.run();
    disk.logs[us] = recovered;
    PeerParts parts;
    parts.record = record;
    parts.address = address_of(us);
    parts.node_incarnation = our_node;
    parts.contacts = std::move(contacts);
    parts.kind = register_kind();
    parts.options.self = us;
    parts.recovered = std::move(recovered);
    parts.registry = std::make_shared<Registry>();
    parts.node = node.actor;
    parts.store = store;
    parts.snapshots = snapshots;
    parts.stop_timeout = std::chrono::milliseconds(1000);
    peer = still.actors->spawn<PeerActor>(std::move(parts));
    still.run();
  }

  PeerStage(const PeerStage&) = delete;
  PeerStage& operator=(const PeerStage&) = delete;
  ~PeerStage() {
    send_from_outside(peer, Stop{});
    still.pass(std::chrono::milliseconds(1100));  // Longer than it may take.
    send_from_outside(peer, Stop{});
    send_from_outside(store, Stop{});
    send_from_outside(snapshots, Stop{});
    still.run();
  }

  void connect() {
    send_from_outside(peer, LinkUp{address_of({2}), second.actor});
    send_from_outside(peer, LinkUp{address_of({3}), third.actor});
    still.run();
  }

  void hear(PeerId from, Term term, Body body) {
    InboundMessages inbound{.from_address = address_of(from), .messages = {}};
    inbound.messages.push_back(
        {.cluster = cluster, .from = from, .to = us, .term = term, .body = std::move(body)});
    send_from_outside(peer, std::move(inbound));
  }

  /// The last message of this kind that peer 2 was sent.
  template <class T>
  const Message* last_to_second() const {
    const auto& sent = second->messages;
    const auto found = std::find_if(sent.rbegin(), sent.rend(), [](const Message& message) {
      return std::holds_alternative<T>(message.body);
    });
    return found == sent.rend() ? nullptr : &*found;
  }

  /// Peer 2 accepts all that it was sent, and confirms the reads that came with it.
  void second_accepts() { accepts({2}); }
  /// So does peer 3, which was sent the same.
  void third_accepts() { accepts({3}); }
  void accepts(PeerId follower) {
    const Message* sent = last_to_second<AppendRequest>();
    REQUIRE(sent != nullptr);
    const auto& request = std::get<AppendRequest>(sent->body);
    const Index matched{request.previous.index.value + request.entries.size()};
    hear(follower, sent->term, AppendResponse{.verdict = Accepted{matched}, .read = request.read});
    still.run();
  }

  /// Has this peer of three elected by peer 2, and its first entry committed. Returns its term.
  Term lead() {
    const Term term = win_election();
    second_accepts();
    return term;
  }

  /// The same, but that entry is not committed yet.
  Term win_election() {
    connect();
    still.pass(std::chrono::milliseconds(300));
    const Message* asked = last_to_second<PreVoteRequest>();
    REQUIRE(asked != nullptr);
    hear({2}, prev_term(asked->term), PreVoteResponse{.granted = true, .asked = asked->term});
    still.run();
    const Message* vote = last_to_second<VoteRequest>();
    REQUIRE(vote != nullptr);
    const Term term = vote->term;
    hear({2}, term, VoteResponse{.granted = true});
    still.run();
    return term;
  }

  void call(wire::CallKind kind, std::vector<std::pair<std::uint64_t, Bytes>> calls) {
    call(kind, ReadLevel::linearizable, std::move(calls));
  }
  void call(wire::CallKind kind, ReadLevel level,
            std::vector<std::pair<std::uint64_t, Bytes>> calls) {
    InboundCalls inbound{.connection = client.actor, .calls = {}};
    inbound.calls.peer = "p1";
    inbound.calls.kind = kind;
    inbound.calls.level = level;
    for (auto& [id, payload] : calls)
      inbound.calls.calls.push_back({id, std::move(payload)});
    inbound.ticket = backlog.admit(inbound.calls.calls.size(), 0);
    last_ticket = inbound.ticket;
    send_from_outside(peer, std::move(inbound));
  }
  void write(std::uint64_t id, std::string_view text) {
    call(wire::CallKind::command, {{id, command(text)}});
  }
  void read(std::uint64_t id) { call(wire::CallKind::query, {{id, Bytes::copy_of("?")}}); }

  template <class Asked>
  wire::Response ask(Asked asked) {
    request(std::move(asked));
    still.run();
    REQUIRE_FALSE(client->responses.empty());
    return client->responses.back();
  }
  template <class Asked>
  void request(Asked asked) {
    send_from_outside(
        peer, InboundRequest{client.actor, {.id = 5, .peer = "p1", .body = std::move(asked)}});
  }

private:
  static Term prev_term(Term term) { return {term.value - 1}; }
};

}  // namespace troupe::actors::test
