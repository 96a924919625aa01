#pragma once

#include "core/random.hpp"
#include "storage/snapshots/snapshots.hpp"
#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace troupe::storage {

inline SnapshotTitle title_of(std::uint64_t index) {
  return {.place = {.id = {{3}, {index}},
                    .configuration = {.voters = {{{1}, "peer1", "127.0.0.1:4001"},
                                                 {{2}, "peer2", "127.0.0.1:4002"}}},
                    .configuration_index = {7}},
          .cluster = {99},
          .kind = "map"};
}

inline SnapshotHead write_snapshot(Snapshots& to, PeerId peer, std::uint64_t index,
                                   const std::vector<std::string>& pieces) {
  REQUIRE(!to.begin(peer, title_of(index)));
  for (const std::string& piece : pieces)
    REQUIRE(!to.append(peer, Bytes::copy_of(piece)));
  return value_of(to.finish(peer));
}

/// All pieces, read as a resource would; or the first error.
inline Outcome<std::vector<std::string>> read_pieces(Snapshots& from, PeerId peer,
                                                     const SnapshotHead& head) {
  std::vector<std::string> pieces;
  for (std::uint64_t offset = 0;;) {
    const auto outcome = from.piece(peer, head, offset);
    if (const auto* error = std::get_if<StoreError>(&outcome))
      return *error;
    const SnapshotPiece& piece = std::get<SnapshotPiece>(outcome);
    if (piece.last)
      return pieces;
    pieces.emplace_back(piece.bytes.text());
    offset = piece.next;
  }
}

/// What a leader sends of `head`.
inline std::string all_bytes(Snapshots& from, PeerId peer, const SnapshotHead& head) {
  return std::string(
      value_of(from.bytes(peer, head, 0, static_cast<std::size_t>(head.size_bytes) + 1)).text());
}

/// Gives `bytes` from `offset` on to `peer` in portions of `portion`, or until an error.
inline Outcome<std::uint64_t> receive_all(Snapshots& to, PeerId peer, const SnapshotHead& head,
                                          const std::string& bytes, std::uint64_t offset,
                                          std::size_t portion) {
  Outcome<std::uint64_t> upto = offset;
  while (offset < bytes.size()) {
    upto = to.receive(peer, head, offset, Bytes::copy_of(bytes.substr(offset, portion)));
    if (std::holds_alternative<StoreError>(upto))
      return upto;
    REQUIRE(std::get<std::uint64_t>(upto) > offset);
    offset = std::get<std::uint64_t>(upto);
  }
  return upto;
}

/// Bytes that do not repeat.
inline std::string noise(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::string text(size, '\0');
  for (char& byte : text)
    byte = static_cast<char>(random.below(256));
  return text;
}

}  // namespace troupe::storage
