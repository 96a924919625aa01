#pragma once

#include "test/storage/snapshot_samples.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::storage {

/// What snapshots lie on: each `open` is a process that starts, the one before has died.
struct Shelf {
  std::function<std::unique_ptr<Snapshots>()> open{};
  /// Changes the byte at `offset` of a finished one.
  std::function<void(PeerId, const SnapshotHead&, std::uint64_t offset)> flip{};
};

inline void check_written(const Shelf& shelf) {
  const PeerId peer{7};
  const std::vector<std::string> pieces = {"a", noise(5000, 1), noise(100, 2)};
  auto snapshots = shelf.open();

  SUBCASE("what was written is there, at once and after opening again") {
    const SnapshotHead head = write_snapshot(*snapshots, peer, 12, pieces);
    CHECK(head.place == title_of(12).place);
    for (int i = 0; i < 2; ++i) {
      CHECK(value_of(read_pieces(*snapshots, peer, head)) == pieces);
      const SnapshotTitle title = value_of(snapshots->title(peer, head));
      CHECK(title.place == head.place);
      CHECK(title.cluster == ClusterId{99});
      CHECK(title.kind == "map");
      CHECK(!snapshots->check(peer, head));
      CHECK(all_bytes(*snapshots, peer, head).size() == head.size_bytes);
      CHECK(snapshots->received(peer, head) == head.size_bytes);
      snapshots.reset();
      snapshots = shelf.open();
    }
  }

  SUBCASE("what a deleted peer had is gone, and of no other") {
    const SnapshotHead one = write_snapshot(*snapshots, {1}, 12, pieces);
    const SnapshotHead two = write_snapshot(*snapshots, {2}, 12, pieces);
    const SnapshotHead three = write_snapshot(*snapshots, {3}, 12, pieces);
    REQUIRE(!snapshots->begin({1}, title_of(13)));
    snapshots->remove({1});
    snapshots->remove({4});  // Which had none.
    CHECK(snapshots->received({1}, one) == 0);
    CHECK(snapshots->received({2}, two) == two.size_bytes);
    snapshots.reset();
    snapshots = shelf.open();
    snapshots->remove_all_but({PeerId{2}});
    CHECK(snapshots->received({1}, one) == 0);
    CHECK(snapshots->received({2}, two) == two.size_bytes);
    CHECK(snapshots->received({3}, three) == 0);
    CHECK(write_snapshot(*snapshots, {3}, 12, pieces) == three);
  }

  SUBCASE("a state without pieces is a snapshot, too") {
    const SnapshotHead head = write_snapshot(*snapshots, peer, 1, {});
    CHECK(value_of(read_pieces(*snapshots, peer, head)).empty());
    CHECK(head.size_bytes > 0);
  }

  SUBCASE("the same state at the same place is the same snapshot on every peer") {
    const SnapshotHead one = write_snapshot(*snapshots, {1}, 12, pieces);
    CHECK(write_snapshot(*snapshots, {2}, 12, pieces) == one);
    CHECK(write_snapshot(*snapshots, {3}, 13, pieces).hash != one.hash);
    CHECK(write_snapshot(*snapshots, {4}, 12, {"b", pieces[1], pieces[2]}).hash != one.hash);
  }

  SUBCASE("nothing is there before it is finished, nor after it is abandoned or interrupted") {
    const SnapshotHead head = write_snapshot(*snapshots, {1}, 12, pieces);
    const auto write_half = [&] {
      REQUIRE(!snapshots->begin(peer, title_of(12)));
      REQUIRE(!snapshots->append(peer, Bytes::copy_of(pieces[0])));
    };
    write_half();
    CHECK(snapshots->received(peer, head) == 0);
    CHECK(error_of(snapshots->title(peer, head)).kind == StoreError::Kind::corrupt);
    snapshots->abandon(peer);
    CHECK(snapshots->received(peer, head) == 0);
    write_half();
    snapshots.reset();
    snapshots = shelf.open();
    CHECK(snapshots->received(peer, head) == 0);
    write_half();
    CHECK(write_snapshot(*snapshots, peer, 12, pieces) == head);  // Throws away the half.
  }

  SUBCASE("peers write side by side") {
    REQUIRE(!snapshots->begin({1}, title_of(1)));
    REQUIRE(!snapshots->begin({2}, title_of(2)));
    REQUIRE(!snapshots->append({1}, Bytes::copy_of("one")));
    REQUIRE(!snapshots->append({2}, Bytes::copy_of("two")));
    const SnapshotHead second = value_of(snapshots->finish({2}));
    const SnapshotHead first = value_of(snapshots->finish({1}));
    CHECK(value_of(read_pieces(*snapshots, {1}, first)) == std::vector<std::string>{"one"});
    CHECK(value_of(read_pieces(*snapshots, {2}, second)) == std::vector<std::string>{"two"});
  }

  SUBCASE("all are removed but the one to keep, of that peer alone") {
    const SnapshotHead old = write_snapshot(*snapshots, peer, 1, pieces);
    const SnapshotHead kept = write_snapshot(*snapshots, peer, 2, pieces);
    const SnapshotHead others = write_snapshot(*snapshots, {1}, 1, pieces);
    REQUIRE(!snapshots->begin(peer, title_of(3)));
    snapshots->keep_only(peer, kept);
    CHECK(snapshots->received(peer, old) == 0);
    CHECK(value_of(read_pieces(*snapshots, peer, kept)) == pieces);
    CHECK(value_of(read_pieces(*snapshots, {1}, others)) == pieces);
    snapshots->keep_only(peer, std::nullopt);
    CHECK(snapshots->received(peer, kept) == 0);
    CHECK(value_of(snapshots->finish(peer)).place == title_of(3).place);
  }
}

inline void check_received(const Shelf& shelf) {
  const PeerId from{1};
  const PeerId to{2};
  const std::vector<std::string> pieces = {noise(2500, 1), "b", noise(3000, 2)};
  auto snapshots = shelf.open();
  const SnapshotHead head = write_snapshot(*snapshots, from, 12, pieces);
  const std::string bytes = all_bytes(*snapshots, from, head);

  SUBCASE("what was sent arrives, in any portions") {
    for (const std::size_t portion :
         {std::size_t{1}, std::size_t{7}, std::size_t{1000}, bytes.size()}) {
      CAPTURE(portion);
      CHECK(value_of(receive_all(*snapshots, to, head, bytes, 0, portion)) == head.size_bytes);
      CHECK(value_of(read_pieces(*snapshots, to, head)) == pieces);
      CHECK(snapshots->received(to, head) == head.size_bytes);
      snapshots->keep_only(to, std::nullopt);
    }
  }

  SUBCASE("bytes from another place change nothing, and tell how far it has come") {
    const auto receive = [&](std::uint64_t offset, std::size_t length) {
      const Bytes part = Bytes::copy_of(bytes.substr(static_cast<std::size_t>(offset), length));
      return value_of(snapshots->receive(to, head, offset, part));
    };
    CHECK(receive(100, 50) == 0);
    CHECK(receive(0, 0) == 0);
    CHECK(receive(0, 100) == 100);
    CHECK(receive(0, 100) == 100);
    CHECK(receive(50, 100) == 100);
    CHECK(receive(200, 100) == 100);
    CHECK(value_of(receive_all(*snapshots, to, head, bytes, 100, 100)) == head.size_bytes);
    CHECK(receive(0, 100) == head.size_bytes);
    CHECK(value_of(read_pieces(*snapshots, to, head)) == pieces);
  }

  SUBCASE("it goes on after a restart, without the piece that was not whole") {
    const std::size_t half = bytes.size() / 2;
    value_of(receive_all(*snapshots, to, head, bytes.substr(0, half), 0, 100));
    snapshots.reset();
    snapshots = shelf.open();
    const std::uint64_t upto = snapshots->received(to, head);
    CHECK(upto > 2500);  // The first piece was.
    CHECK(upto <= half);
    CHECK(value_of(receive_all(*snapshots, to, head, bytes, upto, 100)) == head.size_bytes);
    CHECK(value_of(read_pieces(*snapshots, to, head)) == pieces);
  }

  SUBCASE("another takes its place only from its start on") {
    const SnapshotHead other = write_snapshot(*snapshots, from, 13, pieces);
    const std::string others = all_bytes(*snapshots, from, other);
    value_of(receive_all(*snapshots, to, head, bytes.substr(0, 500), 0, 500));
    CHECK(value_of(snapshots->receive(to, other, 500, Bytes::copy_of("late"))) == 0);
    CHECK(snapshots->received(to, head) == 500);
    CHECK(value_of(receive_all(*snapshots, to, other, others, 0, 500)) == other.size_bytes);
    CHECK(snapshots->received(to, head) == 0);
    CHECK(value_of(read_pieces(*snapshots, to, other)) == pieces);
  }

  SUBCASE("a byte that was changed on the way is noticed, and it can be sent again") {
    for (std::size_t offset = 0; offset < bytes.size(); offset += 61) {
      CAPTURE(offset);
      std::string broken = bytes;
      broken[offset] = static_cast<char>(broken[offset] ^ 1);
      const auto outcome = receive_all(*snapshots, to, head, broken, 0, 1000);
      CHECK(error_of(outcome).kind == StoreError::Kind::corrupt);
      CHECK(snapshots->received(to, head) == 0);
    }
    CHECK(value_of(receive_all(*snapshots, to, head, bytes, 0, 1000)) == head.size_bytes);
  }

  SUBCASE("a sound snapshot under the head of another is refused") {
    std::vector<SnapshotHead> wrong(4, head);
    wrong[0].hash ^= 1;
    wrong[1].place.id.index = {13};
    wrong[2].place.configuration.voters.pop_back();
    wrong[3].size_bytes -= 40;  // Ends before the end.
    for (const SnapshotHead& other : wrong) {
      const auto outcome = receive_all(*snapshots, to, other, bytes, 0, 5000);
      CHECK(error_of(outcome).kind == StoreError::Kind::corrupt);
      CHECK(snapshots->received(to, other) == 0);
    }
    wrong[0] = head;
    wrong[0].size_bytes += 1;  // And goes on behind it.
    CHECK(error_of(receive_all(*snapshots, to, wrong[0], bytes + "x", 0, bytes.size() + 1)).kind
          == StoreError::Kind::corrupt);
  }
}

inline void check_damaged(const Shelf& shelf) {
  const PeerId peer{1};
  const std::vector<std::string> pieces = {noise(200, 1), "b", noise(100, 2)};
  auto snapshots = shelf.open();
  const SnapshotHead head = write_snapshot(*snapshots, peer, 12, pieces);
  const std::string bytes = all_bytes(*snapshots, peer, head);

  SUBCASE("any byte that is changed is noticed by whoever reads all of it") {
    for (std::uint64_t offset = 0; offset < head.size_bytes; ++offset) {
      CAPTURE(offset);
      shelf.flip(peer, head, offset);
      const auto problem = snapshots->check(peer, head);
      REQUIRE(problem);
      CHECK(problem->kind == StoreError::Kind::corrupt);
      CHECK_MESSAGE(problem->text.find(", offset ") != std::string::npos, problem->text);
      CHECK(error_of(read_pieces(*snapshots, peer, head)).text.find(", offset ")
            != std::string::npos);
      shelf.flip(peer, head, offset);
    }
    CHECK(!snapshots->check(peer, head));
  }

  SUBCASE("a piece that is damaged is named with its offset, and the others can be read") {
    const SnapshotPiece first = value_of(snapshots->piece(peer, head, 0));
    shelf.flip(peer, head, first.next + 40);  // Behind the head of the second.
    const std::string at =
        ", piece 2, offset " + std::to_string(first.next) + ": checksum mismatch";
    CHECK(snapshots->check(peer, head)->text.ends_with(at));
    CHECK(value_of(snapshots->piece(peer, head, 0)).bytes.text() == pieces[0]);
    CHECK(error_of(snapshots->piece(peer, head, first.next))
              .text.ends_with(", offset " + std::to_string(first.next) + ": checksum mismatch"));
    CHECK(value_of(snapshots->piece(peer, head, first.next + 41)).bytes.text() == pieces[2]);
  }

  SUBCASE("one that is damaged does not count as received, and another takes its place") {
    shelf.flip(peer, head, head.size_bytes / 2);
    CHECK(snapshots->check(peer, head));
    CHECK(snapshots->received(peer, head) == 0);
    CHECK(value_of(receive_all(*snapshots, peer, head, bytes, 0, 100)) == head.size_bytes);
    CHECK(!snapshots->check(peer, head));
    CHECK(snapshots->received(peer, head) == head.size_bytes);
  }

  SUBCASE("one that is missing is an error") {
    snapshots->keep_only(peer, std::nullopt);
    CHECK(error_of(snapshots->piece(peer, head, 0)).kind == StoreError::Kind::corrupt);
    CHECK(error_of(snapshots->bytes(peer, head, 0, 10)).kind == StoreError::Kind::corrupt);
    CHECK(snapshots->check(peer, head)->text.find("is missing") != std::string::npos);
  }
}

/// What any snapshots must do. Call it in a test case of its own: each subcase starts that again,
/// on an empty shelf.
inline void check_conformance(const Shelf& shelf) {
  SUBCASE("written") {
    check_written(shelf);
  }
  SUBCASE("received") {
    check_received(shelf);
  }
  SUBCASE("damaged") {
    check_damaged(shelf);
  }
}

}  // namespace troupe::storage
