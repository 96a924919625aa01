#include "actors/logger.hpp"
#include "actors/peer_actor.hpp"

#include <utility>
#include <variant>

namespace troupe::actors {
namespace {

/// How often we look for links that nobody needs any more.
constexpr Duration look_at_links_interval = std::chrono::seconds(1);

}  // namespace

void PeerActor::on_messages(InboundMessages& inbound) {
  // Who has handed over and waits for its disk takes no part any more.
  if (is_draining())
    return;
  begin_turn();
  PeerId from = nobody;
  for (Message& message : inbound.messages) {
    if (has_handed_over() && std::holds_alternative<TimeoutNow>(message.body))
      continue;
    // The messages of a frame mostly come from one peer.
    if (std::exchange(from, message.from) != message.from)
      want_links(routes_.learn(message.from, inbound.from_address, now()));
    engine_.step(std::move(message));
  }
}

void PeerActor::on_registry(const SharedRegistry& registry) {
  lose_sight_of(routes_.use(registry));
}

void PeerActor::on_link_up(const LinkUp& link) {
  send_messages(routes_.link_up(link.address, link.connection));
}

void PeerActor::on_link_down(const LinkDown& link) {
  lose_sight_of(routes_.link_down(link.address));
}

/// Only who is quiet rests on it that nodes are heard.
void PeerActor::on_node_in_doubt(const NodeInDoubt& doubt) {
  if (!engine_.is_quiet())
    return;
  begin_turn();
  for (const PeerId peer : routes_.at(doubt.address))
    engine_.step(Silent{peer});
}

void PeerActor::want_links(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses)
    actors::send(this, node_, WantLink{address, self()});
}

void PeerActor::drop_links() {
  // Nobody is heard while all are quiet, and where they were heard from counts all the same.
  if (now() < links_looked_at_ + look_at_links_interval || engine_.is_quiet())
    return;
  links_looked_at_ = now();
  for (const std::string& address : routes_.idle(now()))
    actors::send(this, node_, DropLink{address, self()});
}

void PeerActor::lose_sight_of(const std::vector<PeerId>& peers) {
  if (peers.empty())
    return;
  begin_turn();
  for (const PeerId peer : peers)
    engine_.step(Disconnected{peer});
}

void PeerActor::on_written(const StoreWritten& written) {
  begin_turn();
  written_ = written.upto;
  store_bytes_ = written.store_bytes;
  engine_.step(Persisted{written.upto});
  count_snapshots(written.upto);
}

void PeerActor::on_store_failed(const StoreFailed& failed) {
  finish(failed.error.text.empty() ? "disk failed" : failed.error.text);
}

void PeerActor::on_store_full(const StoreFull& news) {
  log(LogLevel::warning, news.full ? "disk_full" : "disk_has_room", {{"peer", record_.name}});
  begin_turn();
  engine_.step(DiskFull{news.full});
}

}  // namespace troupe::actors
