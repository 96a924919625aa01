#include "actors/store_actor.hpp"

#include <utility>

namespace troupe::actors {

StoreActor::StoreActor(caf::actor_config& config, std::unique_ptr<storage::Store> store)
    : caf::event_based_actor(config), store_(std::move(store)) {}

caf::behavior StoreActor::make_behavior() {
  outlive_errors(this);
  return {
      [this](StoreWrite& message) { on_write(message); },
      [this](const Flush&) { on_flush(); },
      [this](const PutPeer& message) { on_put(message); },
      [this](const RecoverPeer& message) { on_recover(message); },
      [this](const Stop&) {
        write_pending();
        quit();
      },
  };
}

void StoreActor::on_exit() {
  pending_.clear();
  waiting_.clear();
  store_.reset();
}

void StoreActor::on_write(StoreWrite& message) {
  if (failure_) {
    actors::send(this, message.reply_to, StoreFailed{*failure_});
    return;
  }
  Waiting& waiting = waiting_[message.peer];
  waiting.upto = message.write.id;
  waiting.reply_to = std::move(message.reply_to);
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

void StoreActor::write_pending() {
  if (pending_.empty() || failure_)
    return;
  if (const auto error = store_->write(pending_)) {
    fail(*error);
    return;
  }
  const std::uint64_t bytes = store_->stats().file_bytes;
  for (auto& [peer, waiting] : waiting_)
    actors::send(this, waiting.reply_to, StoreWritten{waiting.upto, bytes});
  pending_.clear();
  waiting_.clear();
}

void StoreActor::fail(const storage::StoreError& error) {
  failure_ = error;
  for (auto& [peer, waiting] : waiting_)
    actors::send(this, waiting.reply_to, StoreFailed{error});
  pending_.clear();
  waiting_.clear();
}

void StoreActor::on_put(const PutPeer& message) {
  // What a peer wrote before it stopped is durable before the record says that it stopped.
  write_pending();
  if (!failure_)
    if (const auto error = store_->put_peer(message.record))
      fail(*error);
  if (failure_)
    actors::send(this, message.reply_to, StoreFailed{*failure_});
  else
    actors::send(this, message.reply_to, PeerPut{message.record});
}

void StoreActor::on_recover(const RecoverPeer& message) {
  write_pending();
  if (failure_)
    actors::send(this, message.reply_to, PeerRecovered{message.peer, *failure_});
  else
    actors::send(this, message.reply_to,
                 PeerRecovered{message.peer, store_->recover(message.peer)});
}

}  // namespace troupe::actors
