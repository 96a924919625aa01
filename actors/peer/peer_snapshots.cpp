#include "actors/disk/messages.hpp"
#include "actors/machine/messages.hpp"
#include "actors/peer/peer_actor.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/runtime/replies.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {

using storage::StoreError;

/// The state becomes what the snapshot holds; entries and queries that we send behind it wait.
void PeerActor::install(SnapshotHead head) {
  Replies replies;
  // Whether a command behind what was dispatched is in the snapshot, nobody can tell.
  if (loading_ || state_lost_)
    commands_.lose_all(Refusal::unknown_outcome, replies);
  else
    commands_.lose(dispatched_, {}, Refusal::unknown_outcome, replies);
  send_all(this, replies);
  dispatched_ = head.place.id.index;
  applied_ = std::min(applied_, dispatched_);
  state_lost_ = false;
  loading_ = head;
  actors::send(this, resource_, Load{snapshots_, self(), record_.id, std::move(head)});
}

void PeerActor::on_loaded(const Loaded& loaded) {
  if (!loading_ || *loading_ != loaded.head)
    return;
  const Index index = loaded.head.place.id.index;
  loading_.reset();
  begin_turn();
  if (!loaded.failure) {
    applied_ = std::max(applied_, index);
    log(LogLevel::info, "snapshot_installed",
        {{"peer", record_.name}, {"index", index.value}, {"bytes", loaded.head.size_bytes}});
    return;
  }
  log(LogLevel::error, "snapshot_damaged",
      {{"peer", record_.name},
       {"index", index.value},
       LogField::own("error", loaded.failure->text)});
  lose_state();
  engine_.step(SnapshotLost{.id = loaded.head.id(), .stateless = true});
  if (!engine_.view().stateless) {
    // The whole log is still there: it is applied from its beginning.
    state_lost_ = false;
    dispatched_ = {};
    actors::send(this, resource_, StartOver{});
  }
}

/// The resource has dropped what it was sent behind the snapshot.
void PeerActor::lose_state() {
  Replies replies;
  commands_.lose_all(Refusal::unknown_outcome, replies);
  send_all(this, replies);
  state_lost_ = true;
  applied_ = {};
}

/// Behind all that was dispatched: the mailbox of the resource makes the cut.
void PeerActor::start_snapshot(SnapshotPlace place) {
  taken_percent_ = 0;
  actors::send(this, resource_,
               Save{.snapshots = snapshots_,
                    .reply_to = self(),
                    .peer = record_.id,
                    .title = {.place = std::move(place),
                              .cluster = engine_.view().hard_state.cluster,
                              .kind = record_.kind}});
}

void PeerActor::on_snapshot_saved(const SnapshotSaved& saved) {
  begin_turn();
  if (const auto* head = std::get_if<SnapshotHead>(&saved.outcome)) {
    log(LogLevel::info, "snapshot_taken",
        {{"peer", record_.name}, {"index", saved.id.index.value}, {"bytes", head->size_bytes}});
    return engine_.step(SnapshotTaken{*head});
  }
  const std::string& why = std::get<StoreError>(saved.outcome).text;
  log(LogLevel::warning, "snapshot_failed",
      {{"peer", record_.name}, {"index", saved.id.index.value}, LogField::own("error", why)});
  end_snapshot(refused(0, Refusal::disk_failed, why));
  engine_.step(SnapshotTaken{});
}

/// A snapshot counts with this write, once that is durable.
void PeerActor::follow_snapshot(const Write& write) {
  if (write.snapshot)
    counting_.emplace_back(write.id, *write.snapshot);
}

/// Removes the files of older ones, and answers the clients that asked for one.
void PeerActor::count_snapshots(WriteId written) {
  bool news = false;
  for (; !counting_.empty() && counting_.front().first <= written; counting_.pop_front()) {
    snapshot_ = std::move(counting_.front().second);
    news = true;
  }
  if (!news)
    return;
  actors::send(this, snapshots_, KeepSnapshot{record_.id, snapshot_});
  const EntryId id = snapshot_->place.id;
  if (snapshot_asker_ && id.index >= snapshot_asker_->at_least)
    end_snapshot({.id = 0,
                  .refusal = Refusal::none,
                  .detail = {},
                  .body = wire::TakenSnapshot{id, snapshot_->size_bytes}});
}

void PeerActor::read_chunks(std::vector<ChunkToSend> chunks) {
  for (ChunkToSend& chunk : chunks) {
    const auto& body = std::get<SnapshotChunk>(chunk.message.body);
    actors::send(this, snapshots_,
                 ReadChunk{.reply_to = self(),
                           .peer = record_.id,
                           .head = body.head,
                           .offset = body.offset,
                           .chunk = std::move(chunk)});
  }
}

void PeerActor::on_chunk_read(ChunkRead& read) {
  if (const auto* error = std::get_if<StoreError>(&read.outcome))
    return lose_snapshot(read.head, *error);
  std::get<SnapshotChunk>(read.message.body).data = std::get<Bytes>(std::move(read.outcome));
  std::vector<Message> messages;
  messages.push_back(std::move(read.message));
  send_messages(std::move(messages));
}

void PeerActor::on_checked(const Checked& checked) {
  if (checked.failure)
    return lose_snapshot(checked.head, *checked.failure);
  log(LogLevel::warning, "snapshot_refused",
      {{"peer", record_.name},
       {"index", checked.head.place.id.index.value},
       LogField::own("error", "a follower received it damaged; it is sound here")});
}

/// Our state is sound: the engine has another snapshot taken of it.
void PeerActor::lose_snapshot(const SnapshotHead& head, const StoreError& error) {
  const auto& ours = engine_.view().snapshot;
  if (!ours || *ours != head)
    return;  // A newer one has taken its place, and its file went.
  log(LogLevel::error, "snapshot_damaged",
      {{"peer", record_.name},
       {"index", head.place.id.index.value},
       LogField::own("error", error.text)});
  begin_turn();
  engine_.step(SnapshotLost{.id = head.id(), .stateless = false});
}

void PeerActor::write_chunks(std::vector<ChunkToStore> chunks) {
  for (ChunkToStore& chunk : chunks)
    actors::send(this, snapshots_,
                 WriteChunk{.reply_to = self(), .peer = record_.id, .chunk = std::move(chunk)});
}

void PeerActor::on_chunk_written(const ChunkWritten& written) {
  const std::string failure = written.failure ? written.failure->text : std::string{};
  const bool corrupt = written.failure && written.failure->kind == StoreError::Kind::corrupt;
  // A disk that stays full says so once.
  if (std::exchange(chunk_failure_, failure) != failure && !failure.empty())
    log(corrupt ? LogLevel::error : LogLevel::warning,
        corrupt ? "snapshot_damaged" : "snapshot_not_stored",
        {{"peer", record_.name},
         {"index", written.head.place.id.index.value},
         LogField::own("error", failure)});
  begin_turn();
  engine_.step(ChunkStored{
      .id = written.head.id(), .offset = written.offset, .upto = written.upto, .corrupt = corrupt});
}

void PeerActor::take_snapshot(const caf::actor& connection, const wire::Request& request) {
  if (stopping_)
    return respond(this, connection, refused(request.id, Refusal::stopping));
  begin_turn();
  const Result<EntryId> at_least = engine_.take_snapshot();
  if (!at_least || snapshot_asker_)
    return respond(this, connection,
                   refused(request.id, at_least ? Refusal::busy : at_least.refusal()));
  snapshot_asker_ =
      SnapshotAsker{.connection = connection, .request = request.id, .at_least = at_least->index};
}

/// Answers the clients that asked for a snapshot, if any did.
void PeerActor::end_snapshot(wire::Response response) {
  if (!snapshot_asker_)
    return;
  response.id = snapshot_asker_->request;
  respond(this, snapshot_asker_->connection, std::move(response));
  snapshot_asker_.reset();
}

void PeerActor::add_snapshots(const EngineView& view, wire::PeerStatus& status) const {
  status.first = view.first;
  status.holes = view.holes;
  status.cleaned_upto = view.floor;
  status.log_bytes = engine_.log().bytes_from(view.first);
  if (snapshot_) {
    status.snapshot = snapshot_->place.id;
    status.snapshot_bytes = snapshot_->size_bytes;
  }
  if (view.taking_snapshot)
    status.taking = wire::SnapshotProgress{view.taking_snapshot->index,
                                           static_cast<std::uint8_t>(taken_percent_)};
  if (view.receiving)
    status.receiving = wire::SnapshotProgress{
        view.receiving->place.id.index,
        static_cast<std::uint8_t>(100 * view.received_bytes / view.receiving->size_bytes)};
  for (const auto& [id, follower] : view.followers) {
    const Member* member = view.configuration.find(id);
    const auto unheard = std::max(now() - follower.heard_at, Duration::zero());
    status.followers.push_back(
        {.name = member != nullptr ? full_name(*member) : std::string{},
         .match = follower.match,
         .next = follower.next,
         .pace = follower.pace,
         .in_flight_bytes = follower.in_flight_bytes,
         .heard_ms = static_cast<std::uint64_t>(
             std::chrono::duration_cast<std::chrono::milliseconds>(unheard).count()),
         .snapshot_sent = follower.snapshot_acked,
         .snapshot_bytes = follower.snapshot ? follower.snapshot->size_bytes : 0,
         .set_back = follower.set_back,
         .acknowledged = follower.acknowledged,
         .disk_lost = lost_disks_.contains(id)});
  }
}

}  // namespace troupe::actors
