#include "actors/node/node_actor.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/runtime/messages.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {
namespace {

/// What each phase of a stop may take beyond `stop_timeout`, before what is left is killed.
constexpr std::chrono::milliseconds phase_slack{1000};

}  // namespace

void NodeActor::watch(const caf::actor& actor) {
  monitor(actor);
}

void NodeActor::stop() {
  if (phase_ == Phase::running)
    enter(Phase::ending_peers);
}

/// Peers first, while they can still be heard; then those who carried their words; the disk last.
void NodeActor::enter(Phase phase) {
  phase_ = phase;
  const auto number = static_cast<std::uint64_t>(phase);
  switch (phase) {
    case Phase::running:
      return;
    case Phase::ending_peers:
      for (const caf::actor& peer : peer_actors_)
        actors::send(this, peer, Stop{});
      for (const caf::actor& inquiry : inquiries_)
        actors::send(this, inquiry, Stop{});
      break;
    case Phase::ending_network:
      registry_.reset();
      if (acceptor_)
        send_exit(acceptor_, caf::exit_reason::user_shutdown);
      for (const auto& [address, link] : links_)
        send_exit(link, caf::exit_reason::user_shutdown);
      break;
    case Phase::ending_storage:
      actors::send(this, store_, Stop{});
      actors::send(this, snapshots_, Stop{});
      break;
    case Phase::over:
      quit();
      return;
  }
  send_after(this, options_.stop_timeout + phase_slack, this, Wake{number});
  on_down({});
}

/// Someone has ended; if all have whom this phase waits for, the next begins.
void NodeActor::on_down(const caf::down_msg& down) {
  const auto is_source = [&](const caf::actor& actor) { return actor.address() == down.source; };
  if (const auto peer = std::ranges::find_if(peer_actors_, is_source); peer != peer_actors_.end()) {
    const auto gone = peer_actors_.extract(peer);
    std::vector<std::string> addresses;
    for (const auto& [address, users] : link_users_)
      addresses.push_back(address);
    for (const std::string& address : addresses)
      on_drop_link({address, gone.value()});
  }
  for (auto& [name, hosted] : peers_)
    if (hosted.actor && is_source(hosted.actor)) {
      // It said no last words: something is very wrong with it, but not with its neighbours.
      log(LogLevel::error, "peer_died", {{"peer", name}});
      retire(hosted);
    }
  std::erase_if(inquiries_, is_source);
  std::erase_if(clients_, is_source);
  std::erase_if(links_, [&](const auto& link) { return is_source(link.second); });
  if (acceptor_ && is_source(acceptor_))
    acceptor_ = nullptr;
  if (store_ && is_source(store_))
    store_ = nullptr;
  if (snapshots_ && is_source(snapshots_))
    snapshots_ = nullptr;

  if (phase_ == Phase::ending_peers && peer_actors_.empty() && inquiries_.empty())
    enter(Phase::ending_network);
  else if (phase_ == Phase::ending_network && !acceptor_ && links_.empty())
    enter(Phase::ending_storage);
  else if (phase_ == Phase::ending_storage && !store_ && !snapshots_)
    enter(Phase::over);
}

/// A phase took too long: nothing may keep a process from ending.
void NodeActor::on_wake(const Wake& wake) {
  if (wake.epoch != static_cast<std::uint64_t>(phase_))
    return;
  log(LogLevel::warning, "stop_is_late", {{"node", options_.name}, {"phase", wake.epoch}});
  for (const caf::actor& peer : peer_actors_)
    send_exit(peer, caf::exit_reason::kill);
  for (const caf::actor& inquiry : inquiries_)
    send_exit(inquiry, caf::exit_reason::kill);
  if (phase_ == Phase::ending_network) {
    if (acceptor_)
      send_exit(acceptor_, caf::exit_reason::kill);
    for (const auto& [address, link] : links_)
      send_exit(link, caf::exit_reason::kill);
  }
  if (phase_ == Phase::ending_storage)
    enter(Phase::over);
}

}  // namespace troupe::actors
