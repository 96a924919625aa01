#include "actors/disk/messages.hpp"
#include "actors/machine/messages.hpp"
#include "actors/machine/resource_actor.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/runtime/replies.hpp"
#include "core/assert.hpp"

#include <utility>

namespace troupe::actors {

using storage::SnapshotPiece;
using storage::StoreError;

/// The state as it is here and now: the mailbox has brought us every entry that it must hold.
void ResourceActor::on_save(const Save& message) {
  TROUPE_ASSERT(state_.applied() == message.title.place.id.index);

  end_save("another is taken");
  saving_ = message;
  ++save_;
  const auto self = caf::actor_cast<caf::actor>(this);
  actors::send(this, message.snapshots, BeginSave{self, save_, message});
  if (!state_.start_save())
    end_save("the resource failed");
}

void ResourceActor::on_next_piece(const NextPiece& message) {
  if (message.save != save_ || !state_.is_saving())
    return;
  auto piece = state_.next_piece();
  if (!piece)
    return end_save("the resource failed");
  const int percent = state_.is_saving() ? state_.percent_saved() : 100;
  actors::send(this, saving_.snapshots,
               SavePiece{caf::actor_cast<caf::actor>(this), save_, saving_.peer,
                         to_bytes(*std::move(piece)), percent});
  if (!state_.is_saving())
    saving_ = {};
}

/// Gives up what is being saved, if anything.
void ResourceActor::end_save(const std::string& why) {
  state_.stop_saving();
  if (!saving_.snapshots)
    return;
  actors::send(this, saving_.snapshots,
               EndSave{caf::actor_cast<caf::actor>(this), save_, saving_.peer, why});
  saving_ = {};
}

/// Whatever the state is, and whatever waits to change it, the snapshot stands behind it.
void ResourceActor::on_load(const Load& message) {
  end_save("a snapshot is loaded");
  for (const Task& task : std::exchange(waiting_, {}))
    drop(task);
  queries_waiting_ = 0;
  refuse_held();
  loading_ = message;
  ++load_;
  mode_ = Mode::loading;
  state_.start_load();
  read_piece(0);
}

void ResourceActor::start_over() {
  TROUPE_ASSERT(mode_ == Mode::lost);

  state_.start_load();
  mode_ = Mode::ready;
}

void ResourceActor::read_piece(std::uint64_t offset) {
  actors::send(this, loading_.snapshots,
               ReadPiece{caf::actor_cast<caf::actor>(this), load_, loading_.peer, kind_,
                         loading_.head, offset});
}

void ResourceActor::on_piece_read(PieceRead& read) {
  if (mode_ != Mode::loading || read.load != load_)
    return;
  if (auto* error = std::get_if<StoreError>(&read.outcome))
    return end_load(std::move(*error));

  const EntryId id = loading_.head.place.id;
  const StoreError not_ours{.kind = StoreError::Kind::corrupt,
                            .text = "snapshot " + std::to_string(id.index.value)
                                    + ": is sound, but not what a " + kind_ + " saves"};
  const auto& piece = std::get<SnapshotPiece>(read.outcome);
  if (piece.last)
    return end_load(state_.end_load(id.index) ? std::nullopt : std::optional(not_ours));
  read_piece(piece.next);  // The disk reads the next one while we take this one in.
  if (!state_.load_piece(piece.bytes.span()))
    end_load(not_ours);
}

void ResourceActor::end_load(std::optional<StoreError> failure) {
  const bool failed = failure.has_value();
  if (failed)
    state_.start_load();  // Nothing is left of what was loaded so far.
  actors::send(this, loading_.reply_to, Loaded{loading_.head, std::move(failure)});
  loading_ = {};
  mode_ = failed ? Mode::lost : Mode::catching_up;
  if (!failed)
    return catch_up();
  for (const Task& task : std::exchange(waiting_, {}))
    drop(task);
  queries_waiting_ = 0;
}

/// There is no state for it.
void ResourceActor::drop(const Task& task) {
  if (const auto* ask = std::get_if<Ask>(&task))
    refuse(*ask);
  else if (const auto* save = std::get_if<Save>(&task))
    actors::send(this, save->reply_to,
                 SnapshotSaved{save->title.place.id,
                               StoreError{.kind = StoreError::Kind::io, .text = "no state"}});
}

/// One task at a time, so that others on this thread get their say.
void ResourceActor::catch_up() {
  if (mode_ != Mode::catching_up)
    return;
  if (waiting_.empty()) {
    mode_ = Mode::ready;
    return;
  }
  Task task = std::move(waiting_.front());
  waiting_.pop_front();
  if (const auto* ask = std::get_if<Ask>(&task))
    queries_waiting_ -= ask->queries.size();
  perform(task);
  actors::send(this, this, Flush{});
}

}  // namespace troupe::actors
