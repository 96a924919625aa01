#include "actors/disk/store_actor.hpp"

#include "actors/runtime/messages.hpp"

#include <chrono>
#include <iterator>
#include <set>
#include <utility>

namespace troupe::actors {

using storage::PeerWrite;
using storage::StoreError;

namespace {

/// How often a full disk is looked at.
constexpr std::chrono::milliseconds full_disk_pause{500};

}  // namespace

StoreActor::StoreActor(caf::actor_config& config, std::unique_ptr<storage::Store> store)
    : caf::event_based_actor(config), store_(std::move(store)) {}

caf::behavior StoreActor::make_behavior() {
  outlive_errors(this);
  return {
      [this](StoreWrite& message) { on_write(message); },
      [this](const Flush&) { on_flush(); },
      [this](const Wake&) { on_wake(); },
      [this](const PutPeer& message) { on_put(message); },
      [this](const RecoverPeer& message) { on_recover(message); },
      [this](const DeletePeer& message) { on_delete(message); },
      [this](const Stop&) {
        write_pending();
        quit();
      },
  };
}

void StoreActor::on_exit() {
  pending_.clear();
  writers_.clear();
  store_.reset();
}

void StoreActor::on_write(StoreWrite& message) {
  if (failure_) {
    actors::send(this, message.reply_to, StoreFailed{*failure_});
    return;
  }
  caf::actor& writer = writers_[message.peer];
  if (full_ && writer != message.reply_to)
    actors::send(this, message.reply_to, StoreFull{true});
  writer = std::move(message.reply_to);
  pending_.push_back({message.peer, std::move(message.write)});
  // The flush stands behind all that is in the mailbox by now: what came during the last sync
  // shares the next one.
  if (!std::exchange(flush_pending_, true))
    actors::send(this, this, Flush{});
}

void StoreActor::on_flush() {
  flush_pending_ = false;
  write_pending();
}

/// The disk was full a while ago.
void StoreActor::on_wake() {
  wake_pending_ = false;
  write_pending();
  if (!failure_ && full_ && pending_.empty())
    tell(!store_->make_room());
}

void StoreActor::write_pending() {
  if (pending_.empty() || failure_)
    return;
  if (write_all())
    return tell(full_ || store_->stats().full);
  if (failure_)
    return;
  tell(true);
  write_what_fits();
}

/// Whether all that waits was written. If not, nothing was.
bool StoreActor::write_all() {
  const auto error = store_->write(pending_);
  if (error && error->kind != StoreError::Kind::no_space)
    fail(*error);
  if (error)
    return false;
  answer(std::exchange(pending_, {}));
  return true;
}

/// What makes nothing larger is written on a full disk, too: of each peer what it asked for before
/// the first entries that wait for room. Only so can it vote, and nothing overtakes.
void StoreActor::write_what_fits() {
  std::set<PeerId> wait_for_room;
  std::vector<PeerWrite> rest;
  std::vector<PeerWrite> all = std::exchange(pending_, {});
  for (PeerWrite& write : all) {
    if (!write.write.entries.empty())
      wait_for_room.insert(write.peer);
    (wait_for_room.contains(write.peer) ? rest : pending_).push_back(std::move(write));
  }
  if (!pending_.empty())
    write_all();
  if (!failure_)
    pending_.insert(pending_.end(), std::make_move_iterator(rest.begin()),
                    std::make_move_iterator(rest.end()));
}

/// The disk is full, or has room: all who write hear so once. A full one is looked at again soon.
void StoreActor::tell(bool full) {
  if (std::exchange(full_, full) != full)
    for (const auto& [peer, writer] : writers_)
      actors::send(this, writer, StoreFull{full});
  if (full && !std::exchange(wake_pending_, true))
    send_after(this, full_disk_pause, this, Wake{});
}

void StoreActor::answer(const std::vector<PeerWrite>& written) {
  const std::uint64_t bytes = store_->stats().file_bytes;
  std::map<PeerId, WriteId> upto;
  for (const PeerWrite& write : written)
    upto[write.peer] = write.write.id;
  for (const auto& [peer, id] : upto)
    if (const auto writer = writers_.find(peer); writer != writers_.end())
      actors::send(this, writer->second, StoreWritten{id, bytes});
}

void StoreActor::fail(const StoreError& error) {
  failure_ = error;
  std::set<PeerId> waiting;
  for (const PeerWrite& write : pending_)
    waiting.insert(write.peer);
  for (const PeerId peer : waiting)
    actors::send(this, writers_.at(peer), StoreFailed{error});
  pending_.clear();
  writers_.clear();
}

void StoreActor::on_put(const PutPeer& message) {
  // What a peer wrote before it stopped is durable before the record says that it stopped.
  write_pending();
  std::optional<StoreError> refusal;
  if (!failure_)
    refusal = store_->put_peer(message.record);
  if (refusal && refusal->kind != StoreError::Kind::no_space)
    fail(*refusal);
  if (failure_)
    actors::send(this, message.reply_to, StoreFailed{*failure_});
  else
    actors::send(this, message.reply_to, PeerPut{message.record, refusal});
}

/// What still waits for room was asked for by one that has stopped, and was promised to nobody:
/// written behind the back of the one that starts, it would be in its way.
void StoreActor::forget_pending(PeerId peer) {
  std::erase_if(pending_, [&](const PeerWrite& write) { return write.peer == peer; });
}

void StoreActor::on_delete(const DeletePeer& message) {
  write_pending();
  forget_pending(message.peer);
  std::optional<StoreError> refusal;
  if (!failure_)
    refusal = store_->delete_peer(message.peer);
  if (refusal && refusal->kind != StoreError::Kind::no_space)
    fail(*refusal);
  if (failure_)
    return actors::send(this, message.reply_to, StoreFailed{*failure_});
  if (!refusal)
    writers_.erase(message.peer);
  actors::send(this, message.reply_to, PeerDeleted{message.peer, refusal});
}

void StoreActor::on_recover(const RecoverPeer& message) {
  write_pending();
  forget_pending(message.peer);
  if (failure_)
    actors::send(this, message.reply_to, PeerRecovered{message.peer, *failure_});
  else
    actors::send(this, message.reply_to,
                 PeerRecovered{message.peer, store_->recover(message.peer)});
}

}  // namespace troupe::actors
