#include "actors/disk/snapshot_actor.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {

using storage::Outcome;
using storage::SnapshotPiece;
using storage::SnapshotTitle;
using storage::StoreError;

namespace {

constexpr Duration rest_min = std::chrono::milliseconds(500);
constexpr Duration rest_max = std::chrono::seconds(4);

}  // namespace

SnapshotActor::SnapshotActor(caf::actor_config& config,
                             std::unique_ptr<storage::Snapshots> snapshots)
    : caf::event_based_actor(config), snapshots_(std::move(snapshots)) {}

caf::behavior SnapshotActor::make_behavior() {
  outlive_errors(this);
  return {
      [this](const BeginSave& message) { on_begin(message); },
      [this](SavePiece& message) { on_piece(message); },
      [this](const EndSave& message) { on_end(message); },
      [this](const ReadPiece& message) { on_read_piece(message); },
      [this](ReadChunk& message) { on_read_chunk(message); },
      [this](WriteChunk& message) { on_write_chunk(message); },
      [this](const CheckSnapshot& message) { on_check(message); },
      [this](const KeepSnapshot& message) { on_keep(message); },
      [this](const RemoveSnapshots& message) { on_remove(message); },
      [this](const Wake& wake) { on_wake(wake); },
      [this](const Stop&) { quit(); },
  };
}

void SnapshotActor::on_exit() {
  writing_.clear();
  rests_.clear();
  snapshots_.reset();
}

void SnapshotActor::on_begin(const BeginSave& message) {
  const Save& asked = message.asked;
  writing_[asked.peer] = {.resource = message.resource,
                          .save = message.save,
                          .reply_to = asked.reply_to,
                          .id = asked.title.place.id};
  if (auto error = snapshots_->begin(asked.peer, asked.title))
    return end(asked.peer, *std::move(error));
  actors::send(this, message.resource, NextPiece{message.save});
}

/// The save that a message is about, unless that has ended.
SnapshotActor::Writing* SnapshotActor::find(PeerId peer, const caf::actor& resource,
                                            std::uint64_t save) {
  const auto found = writing_.find(peer);
  const bool same =
      found != writing_.end() && found->second.resource == resource && found->second.save == save;
  return same ? &found->second : nullptr;
}

void SnapshotActor::on_piece(SavePiece& message) {
  const Writing* writing = find(message.peer, message.resource, message.save);
  if (writing == nullptr)
    return;
  if (message.bytes.empty())
    return finish(message.peer);
  if (auto error = snapshots_->append(message.peer, std::move(message.bytes))) {
    // It is not worth waiting for space: the peer takes another when it is due.
    snapshots_->abandon(message.peer);
    return end(message.peer, *std::move(error));
  }
  actors::send(this, writing->reply_to, SaveProgress{writing->id, message.percent});
  actors::send(this, writing->resource, NextPiece{message.save});
}

void SnapshotActor::finish(PeerId peer) {
  auto outcome = snapshots_->finish(peer);
  if (const auto* head = std::get_if<SnapshotHead>(&outcome))
    finished(peer, *head);
  else
    snapshots_->abandon(peer);
  end(peer, std::move(outcome));
}

void SnapshotActor::on_end(const EndSave& message) {
  if (find(message.peer, message.resource, message.save) == nullptr)
    return;
  snapshots_->abandon(message.peer);
  end(message.peer, StoreError{.kind = StoreError::Kind::io, .text = message.why});
}

void SnapshotActor::end(PeerId peer, Outcome<SnapshotHead> outcome) {
  const auto writing = writing_.extract(peer);
  actors::send(this, writing.mapped().reply_to,
               SnapshotSaved{writing.mapped().id, std::move(outcome)});
}

void SnapshotActor::on_read_piece(const ReadPiece& message) {
  actors::send(this, message.reply_to, PieceRead{message.load, piece(message)});
}

Outcome<SnapshotPiece> SnapshotActor::piece(const ReadPiece& asked) {
  if (asked.offset == 0) {
    auto title = snapshots_->title(asked.peer, asked.head);
    if (auto* error = std::get_if<StoreError>(&title))
      return std::move(*error);
    const auto& [place, cluster, kind] = std::get<SnapshotTitle>(title);
    if (kind != asked.kind || place != asked.head.place)
      return StoreError{.kind = StoreError::Kind::corrupt,
                        .text = "snapshot " + std::to_string(asked.head.place.id.index.value)
                                + ": holds the state of a " + kind + " at "
                                + std::to_string(place.id.index.value)};
  }
  return snapshots_->piece(asked.peer, asked.head, asked.offset);
}

void SnapshotActor::on_read_chunk(ReadChunk& message) {
  Outcome<Bytes> bytes = Bytes{};
  if (message.chunk.length > 0)
    bytes = snapshots_->bytes(message.peer, message.head, message.offset, message.chunk.length);
  actors::send(
      this, message.reply_to,
      ChunkRead{std::move(message.head), std::move(message.chunk.message), std::move(bytes)});
}

void SnapshotActor::on_write_chunk(WriteChunk& message) {
  ChunkToStore& chunk = message.chunk;
  ChunkWritten written{
      .head = std::move(chunk.head), .offset = chunk.offset, .upto = 0, .failure = std::nullopt};
  // What comes behind a chunk that failed does not fit; and as soon as that is told, the leader
  // begins anew where it failed.
  if (const auto rest = rests_.find(message.peer); rest != rests_.end() && rest->second.lasts) {
    rest->second.answers.emplace_back(message.reply_to, std::move(written));
    return;
  }
  const std::uint64_t end = chunk.offset + chunk.data.size();
  auto outcome =
      snapshots_->receive(message.peer, written.head, chunk.offset, std::move(chunk.data));
  if (auto* error = std::get_if<StoreError>(&outcome)) {
    if (error->kind != StoreError::Kind::corrupt) {
      begin_rest(message.peer, std::move(*error));
      rests_[message.peer].answers.emplace_back(message.reply_to, std::move(written));
      return;
    }
    written.upto = snapshots_->received(message.peer, written.head);
    written.failure = std::move(*error);
    return actors::send(this, message.reply_to, std::move(written));
  }
  written.upto = std::get<std::uint64_t>(outcome);
  if (end > chunk.offset && written.upto == end)
    rests_.erase(message.peer);
  if (written.upto == written.head.size_bytes)
    finished(message.peer, written.head);
  actors::send(this, message.reply_to, std::move(written));
}

/// The leader goes on as soon as it is answered: a disk that is full, or fails, gets a rest.
void SnapshotActor::begin_rest(PeerId peer, StoreError why) {
  Rest& rest = rests_[peer];
  rest.length = std::clamp(2 * rest.length, rest_min, rest_max);
  rest.lasts = true;
  rest.why = std::move(why);
  send_after(this, rest.length, this, Wake{peer.value});
}

void SnapshotActor::on_wake(const Wake& wake) {
  const PeerId peer{wake.epoch};
  const auto found = rests_.find(peer);
  if (found == rests_.end())
    return;  // The peer was deleted meanwhile.
  Rest& rest = found->second;
  rest.lasts = false;
  for (auto& [reply_to, written] : std::exchange(rest.answers, {})) {
    written.upto = snapshots_->received(peer, written.head);
    written.failure = rest.why;
    actors::send(this, reply_to, std::move(written));
  }
}

void SnapshotActor::finished(PeerId peer, const SnapshotHead& head) {
  const auto [newest, is_first] = newest_.try_emplace(peer, head);
  if (!is_first && newest->second.place.id < head.place.id)
    newest->second = head;
}

void SnapshotActor::on_check(const CheckSnapshot& message) {
  actors::send(this, message.reply_to,
               Checked{message.head, snapshots_->check(message.peer, message.head)});
}

/// An older one that stays goes with the next that counts.
void SnapshotActor::on_keep(const KeepSnapshot& message) {
  const auto newest = newest_.find(message.peer);
  if (newest != newest_.end() && message.head
      && newest->second.place.id.index > message.head->place.id.index)
    return;
  snapshots_->keep_only(message.peer, message.head);
}

void SnapshotActor::on_remove(const RemoveSnapshots& message) {
  writing_.erase(message.peer);
  newest_.erase(message.peer);
  rests_.erase(message.peer);
  snapshots_->remove(message.peer);
  actors::send(this, message.reply_to, SnapshotsRemoved{message.peer});
}

}  // namespace troupe::actors
