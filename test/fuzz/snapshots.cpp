#include "resources/kv_store/kv_store.hpp"
#include "storage/snapshots/snapshot_format.hpp"
#include "test/fuzz/draw.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

using storage::SnapshotScanner;

SnapshotPlace place() {
  return {.id = {{3}, {9}},
          .configuration = {.voters = {{{1}, "peer1", "h:1"}}},
          .configuration_index = {1}};
}

std::string as_text(const std::vector<std::uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

/// What became of a snapshot that came in portions.
struct Scanned {
  bool broken = false;
  std::uint64_t sound_upto = 0;
  bool is_whole = false;
  friend bool operator==(const Scanned&, const Scanned&) = default;
};

Scanned scan(std::string_view stream, Draw portions, const SnapshotHead& head) {
  Scanned result;
  SnapshotScanner scanner;
  while (!stream.empty() && !result.broken) {
    const std::size_t size = std::min<std::size_t>(
        stream.size(), portions.at_end() ? stream.size() : 1 + portions.byte() % 64u);
    result.broken = scanner.feed(bytes(stream.substr(0, size))).has_value();
    stream.remove_prefix(size);
  }
  result.sound_upto = scanner.sound_upto();
  result.is_whole = !result.broken && !scanner.finish(head);
  return result;
}

/// Pieces as a resource gives them, one of whose bytes may have changed on the way: that is always
/// noticed, by who reads it from front to end.
Problem check_written(Draw draw) {
  const Draw portions(draw.take(draw.below(32)));
  const std::size_t at = draw.byte() * std::size_t{256} + draw.byte();
  const std::uint8_t flip = draw.byte();
  storage::SnapshotWriter writer(place());
  std::string stream =
      as_text(writer.title({.place = place(), .cluster = {77}, .kind = "kv_store"}));
  while (!draw.at_end()) {
    const Input piece = draw.take(1 + draw.byte());
    if (piece.empty())
      break;
    stream += as_text(writer.head_of(piece)) + std::string(text(piece));
  }
  stream += as_text(writer.end());
  const SnapshotHead head = writer.head();
  const bool changed = at < stream.size() && flip != 0;
  if (changed)
    stream[at] = static_cast<char>(stream[at] ^ flip);
  const Scanned at_once = scan(stream, Draw({}), head);
  if (at_once != scan(stream, portions, head))
    return "portions change what a snapshot is";
  if (at_once.is_whole == changed)
    return changed ? "a changed byte was not noticed" : "a sound snapshot is refused";
  return std::nullopt;
}

/// Bytes that claim to be a snapshot, with all ways to read one. All readers that accept them as
/// this head agree.
Problem check_stream(Draw draw) {
  const Draw portions(draw.take(draw.below(32)));
  const Input stream = draw.rest();
  const SnapshotHead head{.place = place(), .size_bytes = stream.size(), .hash = 1};
  if (scan(text(stream), Draw({}), head) != scan(text(stream), portions, head))
    return "portions change what a snapshot is";
  const storage::ReadBytes read = [&](std::uint64_t offset,
                                      std::size_t length) -> storage::Outcome<Bytes> {
    const std::size_t from = std::min<std::uint64_t>(offset, stream.size());
    return Bytes::copy_of(stream.subspan(from, std::min(length, stream.size() - from)));
  };
  (void)storage::read_title(read, head);
  storage::PieceReader reader;
  for (std::uint64_t offset = 0; offset <= stream.size();) {
    const auto outcome = reader.read(read, head, offset);
    const auto* piece = std::get_if<storage::SnapshotPiece>(&outcome);
    if (piece == nullptr || piece->last)
      break;
    if (piece->next <= offset)
      return "a piece leads back";
    offset = piece->next;
  }
  return std::nullopt;
}

/// A saved state as a leader sends it: loaded at once or in pieces, it is the same or refused, and
/// what is accepted can be saved and comes back equal.
Problem check_state(Draw draw) {
  Draw portions(draw.take(draw.below(32)));
  Input state = draw.rest();
  resources::KvStore at_once;
  const bool whole = at_once.load(state);
  resources::KvStore by_pieces;
  bool ok = true;
  while (ok && !state.empty()) {
    const std::size_t size = std::min<std::size_t>(
        state.size(), portions.at_end() ? state.size() : 1 + portions.byte() % 64u);
    ok = by_pieces.load_piece(state.first(size));
    state = state.subspan(size);
  }
  ok = ok && by_pieces.end_load();
  if (ok != whole || (ok && by_pieces.save() != at_once.save()))
    return "pieces change what a state is";
  resources::KvStore again;
  const std::string saved = at_once.save();
  if (!again.load(bytes(saved)) || again.save() != saved)
    return "a state is not what was saved of it";
  return std::nullopt;
}

Problem run(Input input) {
  Draw draw(input);
  switch (draw.below(3)) {
    case 0:
      return check_written(draw);
    case 1:
      return check_stream(draw);
    default:
      return check_state(draw);
  }
}

std::vector<std::string> seeds() {
  storage::SnapshotWriter writer(place());
  std::string stream =
      as_text(writer.title({.place = place(), .cluster = {77}, .kind = "kv_store"}));
  resources::KvStore store;
  for (const char* key : {"a", "b", "c"})
    store.apply({.index = {5}, .bytes = bytes(resources::kv_store::set(key, "value"))});
  const std::string state = store.save();
  stream += as_text(writer.head_of(bytes(state))) + state + as_text(writer.end());
  const std::string portions("\3\1\2\3", 4);
  return {std::string(1, '\0') + portions + std::string("\377\377\0\4abcdef\1xy", 13),
          std::string(1, '\0') + portions + std::string("\0\50\1\4abcdef\1xy", 13),
          '\1' + portions + stream, '\2' + portions + state};
}

}  // namespace

Target snapshots_target() {
  return {.name = "snapshots",
          .summary = "snapshots as leaders send them and disks damage them",
          .run = run,
          .seeds = seeds,
          .input_bytes_max = 1024};
}

}  // namespace troupe::fuzz
