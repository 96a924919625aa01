/// Says what stores hold, as a node that starts would find it: reads names of directories, answers
/// each with a line of JSON. For the scripts beside it, which cut power and damage bytes.
///
/// A sound store is also written to once: what is damaged where nobody reads may kill who writes.

#include "storage/lmdb/lmdb_store.hpp"
#include "storage/snapshots/file_snapshots.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace troupe;
using namespace troupe::storage;
using Json = nlohmann::json;

std::string_view name(StoreError::Kind kind) {
  switch (kind) {
    case StoreError::Kind::io:
      return "io";
    case StoreError::Kind::no_space:
      return "no_space";
    case StoreError::Kind::corrupt:
      return "corrupt";
    case StoreError::Kind::version:
      return "version";
    case StoreError::Kind::locked:
      return "locked";
  }
  return "unknown";
}

Json json_of(const StoreError& error) {
  return {{"error", error.text}, {"kind", name(error.kind)}};
}

std::string hex(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {digits[byte >> 4], digits[byte & 0xf]};
  }
  return text;
}

Json json_of(Snapshots& snapshots, PeerId peer, const SnapshotHead& head) {
  Json json = {{"index", head.place.id.index.value}, {"pieces", Json::array()}};
  const auto title = snapshots.title(peer, head);
  if (const auto* error = std::get_if<StoreError>(&title)) {
    json.update(json_of(*error));
    return json;
  }
  for (std::uint64_t offset = 0;;) {
    const auto outcome = snapshots.piece(peer, head, offset);
    if (const auto* error = std::get_if<StoreError>(&outcome)) {
      json.update(json_of(*error));
      return json;
    }
    const auto& piece = std::get<SnapshotPiece>(outcome);
    if (piece.last)
      return json;
    json["pieces"].push_back(hex(piece.bytes.text()));
    offset = piece.next;
  }
}

Json json_of(const PeerRecord& peer, const Recovered& recovered, Snapshots& snapshots) {
  Json json = {{"name", peer.name},
               {"id", peer.id.value},
               {"running", peer.running},
               {"term", recovered.hard_state.term.value},
               {"voted_for", recovered.hard_state.voted_for.value},
               {"cluster", recovered.hard_state.cluster.value},
               {"before", recovered.before.index.value},
               {"entries", Json::array()}};
  for (const Entry& entry : recovered.entries)
    json["entries"].push_back({entry.id.index.value, entry.id.term.value,
                               static_cast<int>(entry.kind), hex(entry.payload.text())});
  if (recovered.snapshot)
    json["snapshot"] = json_of(snapshots, peer.id, *recovered.snapshot);
  return json;
}

/// What a peer that is asked for its vote next writes first.
PeerWrite vote(PeerId peer, HardState hard_state) {
  hard_state.term = {hard_state.term.value + 1};
  return {.peer = peer, .write = {.id = {1}, .hard_state = hard_state}};
}

Json examine(const std::string& directory) {
  auto opened = open_lmdb_store({.directory = directory});
  if (const auto* error = std::get_if<StoreError>(&opened))
    return json_of(*error);
  Store& store = *std::get<std::unique_ptr<Store>>(opened);
  auto opened_snapshots = open_snapshots(directory);
  if (const auto* error = std::get_if<StoreError>(&opened_snapshots))
    return json_of(*error);
  Snapshots& snapshots = *std::get<std::unique_ptr<Snapshots>>(opened_snapshots);
  const auto peers = store.peers();
  if (const auto* error = std::get_if<StoreError>(&peers))
    return json_of(*error);
  Json json = {{"peers", Json::array()}};
  std::vector<PeerWrite> votes;
  for (const PeerRecord& peer : std::get<std::vector<PeerRecord>>(peers)) {
    const auto recovered = store.recover(peer.id);
    if (const auto* error = std::get_if<StoreError>(&recovered))
      return json_of(*error);
    json["peers"].push_back(json_of(peer, std::get<Recovered>(recovered), snapshots));
    votes.push_back(vote(peer.id, std::get<Recovered>(recovered).hard_state));
  }
  if (const auto error = store.write(votes))
    json["write_error"] = error->text;
  return json;
}

}  // namespace

int main() {
  for (std::string directory; std::getline(std::cin, directory);)
    std::cout << examine(directory).dump() << std::endl;
  return EXIT_SUCCESS;
}
