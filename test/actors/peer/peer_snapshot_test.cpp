#include "test/actors/peer_stage.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using test::founded;
using test::PeerStage;
using test::us;

/// A snapshot of `text` at entry 5 of term 1, taken by peer 1 of three, on `shelf`.
SnapshotHead put_snapshot(storage::MemoryShelf& shelf, const std::string& text, PeerId owner = us) {
  const auto snapshots = storage::open_memory_snapshots(shelf);
  const auto configuration = decode_configuration(founded(3).entries[0].payload.text());
  REQUIRE(configuration);
  const storage::SnapshotTitle title{
      .place = {.id = {{1}, {5}}, .configuration = *configuration, .configuration_index = {1}},
      .cluster = test::cluster,
      .kind = "register"};
  REQUIRE_FALSE(snapshots->begin(owner, title));
  REQUIRE_FALSE(snapshots->append(owner, Bytes::copy_of(text)));
  return std::get<SnapshotHead>(snapshots->finish(owner));
}

/// What is left of a log that was cut behind `head`.
Recovered cut_at(const SnapshotHead& head) {
  Recovered recovered = founded(3);
  recovered.entries.clear();
  recovered.before = head.place.id;
  recovered.snapshot = head;
  return recovered;
}

/// What peer 2 holds and sends of a snapshot.
Bytes content(storage::MemoryShelf& shelf, const SnapshotHead& head, PeerId owner) {
  const auto* bytes = shelf.find(owner, head);
  REQUIRE(bytes != nullptr);
  return Bytes::copy_of(std::span<const std::uint8_t>(*bytes));
}

wire::PeerStatus status_of(PeerStage& stage) {
  const wire::Response response = stage.ask(wire::AskStatus{});
  REQUIRE(std::holds_alternative<wire::PeerStatus>(response.body));
  return std::get<wire::PeerStatus>(response.body);
}

TEST_CASE("a snapshot that is asked for is answered once it counts") {
  PeerStage stage(founded(3));
  stage.lead();
  stage.write(1, "=a");
  stage.still.run();
  stage.second_accepts();

  const wire::Response taken = stage.ask(wire::TakeSnapshot{});
  const wire::Response again = stage.ask(wire::TakeSnapshot{});

  REQUIRE(std::holds_alternative<wire::TakenSnapshot>(taken.body));
  const auto [id, size] = std::get<wire::TakenSnapshot>(taken.body);
  CHECK(id.index == Index{3});
  const wire::PeerStatus status = status_of(stage);
  CHECK(status.snapshot == id);
  CHECK(status.snapshot_bytes == size);
  CHECK_FALSE(status.taking);
  CHECK(status.followers.size() == 2);
  CHECK(stage.shelf.peers.at(us).finished.size() == 1);
  CHECK(again.refusal == Refusal::not_found);
}

TEST_CASE("a snapshot that cannot be written is refused, and the peer goes on") {
  PeerStage stage(founded(3));
  stage.lead();
  stage.shelf.fail_next_write = storage::StoreError{storage::StoreError::Kind::no_space, "full"};

  const wire::Response failed = stage.ask(wire::TakeSnapshot{});

  CHECK(failed.refusal == Refusal::disk_failed);
  CHECK(failed.detail == "full");
  stage.still.pass(std::chrono::milliseconds(10));
  stage.write(1, "=a");
  stage.still.run();
  stage.second_accepts();
  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
}

TEST_CASE("a peer that starts with a snapshot has its state, and what came before is gone") {
  storage::MemoryShelf shelf;
  put_snapshot(shelf, "an older one");
  const SnapshotHead head = put_snapshot(shelf, "state");
  PeerStage stage(cut_at(head), shelf);

  const wire::PeerStatus status = status_of(stage);
  CHECK(status.applied == Index{5});
  CHECK(status.first == Index{6});
  CHECK(status.snapshot.index == Index{5});
  CHECK(stage.shelf.peers.at(us).finished.size() == 1);

  stage.lead();
  stage.read(9);
  stage.still.run();
  stage.second_accepts();
  REQUIRE_FALSE(stage.client->replies.empty());
  CHECK(stage.client->replies.back().value.text() == "state");
}

TEST_CASE("a peer whose snapshot is damaged asks for another, and has its state when it came") {
  storage::MemoryShelf shelf, elsewhere;
  const SnapshotHead damaged = put_snapshot(shelf, "state");
  shelf.find(us, damaged)->back() ^= 1;
  PeerStage stage(cut_at(damaged), shelf);
  stage.connect();

  CHECK(status_of(stage).applied == Index{});
  stage.hear({2}, {2}, AppendRequest{.previous = {{1}, {5}}, .commit = {5}, .entries = {}});
  stage.still.run();
  const Message* answer = stage.last_to_second<AppendResponse>();
  REQUIRE(answer != nullptr);
  CHECK(std::get<AppendResponse>(answer->body).wants_snapshot == Index{5});

  const SnapshotHead sound = put_snapshot(elsewhere, "state", {2});
  stage.hear({2}, {2},
             SnapshotChunk{.head = sound, .offset = 0, .data = content(elsewhere, sound, {2})});
  stage.still.run();

  const Message* stored = stage.last_to_second<SnapshotResponse>();
  REQUIRE(stored != nullptr);
  CHECK(std::get<SnapshotResponse>(stored->body).upto == sound.size_bytes);
  CHECK(status_of(stage).applied == Index{5});
}

/// Peer 3 says that its log is empty, and that nothing of the snapshot has come to it.
void third_has_nothing(PeerStage& stage, Term term, const SnapshotHead& head) {
  stage.hear({3}, term,
             AppendResponse{.verdict = Rejected{.previous = {{1}, {5}}, .hint = {}}, .read = {}});
  stage.still.run();
  stage.hear({3}, term, SnapshotResponse{.id = head.id(), .offset = 0, .upto = 0});
  stage.still.run();
}

TEST_CASE("a follower that needs cut entries is sent the snapshot") {
  storage::MemoryShelf shelf;
  const SnapshotHead head = put_snapshot(shelf, "state");
  PeerStage stage(cut_at(head), shelf);
  const Term term = stage.lead();

  third_has_nothing(stage, term, head);

  std::string sent;
  for (const Message& message : stage.third->messages)
    if (const auto* chunk = std::get_if<SnapshotChunk>(&message.body);
        chunk != nullptr && chunk->offset == sent.size())
      sent += chunk->data.text();
  CHECK(sent == content(stage.shelf, head, us).text());
  bool is_sending = false;
  for (const wire::FollowerStatus& follower : status_of(stage).followers)
    is_sending = is_sending || follower.snapshot_bytes == head.size_bytes;
  CHECK(is_sending);
}

TEST_CASE("a snapshot that turns out damaged when it is sent is taken anew") {
  storage::MemoryShelf shelf;
  const SnapshotHead head = put_snapshot(shelf, "state");
  PeerStage stage(cut_at(head), shelf);
  const Term term = stage.lead();
  stage.shelf.peers.at(us).finished.clear();

  third_has_nothing(stage, term, head);

  REQUIRE(stage.shelf.peers.at(us).finished.size() == 1);
  CHECK(stage.shelf.peers.at(us).finished[0].first.place.id.index == Index{6});
  CHECK(status_of(stage).snapshot.index == Index{6});
}

TEST_CASE("a peer stops while it loads and while it saves") {
  storage::MemoryShelf shelf;
  const SnapshotHead head = put_snapshot(shelf, std::string(1'000'000, 'x'));
  {
    PeerStage stage(cut_at(head), shelf);
    send_from_outside(stage.peer, Stop{});
  }
  PeerStage stage(cut_at(head), shelf);
  stage.lead();
  stage.request(wire::TakeSnapshot{});
  send_from_outside(stage.peer, Stop{});
  stage.still.pass(std::chrono::milliseconds(1100));

  REQUIRE_FALSE(stage.client->responses.empty());
  const wire::Response& response = stage.client->responses.back();
  CHECK((response.refusal == Refusal::none || response.refusal == Refusal::stopping));
}

}  // namespace
}  // namespace troupe::actors
