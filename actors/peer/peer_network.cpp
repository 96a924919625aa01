#include "actors/disk/messages.hpp"
#include "actors/peer/messages.hpp"
#include "actors/peer/peer_actor.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/transport/messages.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace troupe::actors {
namespace {

/// How often we look for links that nobody needs any more.
constexpr Duration look_at_links_interval = std::chrono::seconds(1);

/// How often a peer without a leader looks for the members, where there are contacts to ask, and
/// how long they may take to answer.
constexpr Duration search_interval = std::chrono::seconds(1);
constexpr Duration search_timeout = std::chrono::milliseconds(700);

/// Questions of one search.
constexpr std::size_t search_questions_max = 1024;

/// That wait until all has been read that arrived before them. A peer asks once in an election
/// timeout, and what is lost is asked again.
constexpr std::size_t vote_requests_max = 1024;

/// The answer depends on whether a leader is silent (§4.2.3), so what it said must be read first.
bool waits_for_input(const Message& message) {
  const auto* vote = std::get_if<VoteRequest>(&message.body);
  return std::holds_alternative<PreVoteRequest>(message.body)
         || (vote != nullptr && !vote->transfer);
}

}  // namespace

void PeerActor::on_messages(InboundMessages& inbound) {
  // A peer that has handed over and waits for its disk takes no part any more.
  if (is_draining())
    return;
  begin_turn();
  PeerId from = nobody;
  for (Message& message : inbound.messages) {
    if (has_handed_over() && std::holds_alternative<TimeoutNow>(message.body))
      continue;
    // The messages of a frame mostly come from one peer.
    if (std::exchange(from, message.from) != message.from)
      want_links(routes_.hear(message.from, inbound.from_address, inbound.connection, now()));
    if (!waits_for_input(message))
      engine_.step(std::move(message));
    else if (vote_requests_.size() < vote_requests_max)
      vote_requests_.push_back(std::move(message));
  }
  if (!vote_requests_.empty())
    read_before_judging();
}

void PeerActor::read_before_judging() {
  if (reading_since_)
    return;
  reading_since_ = now();
  after_reading([self = self()] { send_from_outside(self, InputRead{}); });
}

void PeerActor::on_input_read() {
  input_read_upto_ = *std::exchange(reading_since_, std::nullopt);
  if (is_draining())
    return vote_requests_.clear();
  begin_turn();
  tick();  // The turn may have begun before.
  for (Message& message : std::exchange(vote_requests_, {}))
    engine_.step(std::move(message));
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

/// A peer that hears a leader needs nobody else. One that belongs to no cluster knows nobody.
bool PeerActor::seeks_members() const {
  return !contacts_.empty() && !search_ && !stopping_ && engine_.leader() == nobody
         && !engine_.configuration().empty();
}

/// All nodes of a cluster may have moved at once. Then no address in the configuration is of use,
/// but the members are the same peers: we ask the nodes that ours was told of which of them they
/// have, and the configured addresses, which come first where the member is there.
void PeerActor::seek_members() {
  if (!seeks_members() || now() < search_at_)
    return;
  search_at_ = now() + search_interval;
  Search search{.inquiry = ++last_inquiry_, .places = {}};
  Inquire inquire{.id = search.inquiry,
                  .reply_to = self(),
                  .questions = {},
                  .timeout = search_timeout,
                  .enough = nullptr};
  const auto ask = [&](const Member& member, const std::string& address) {
    if (address == routes_.own_address() || search.places.size() >= search_questions_max)
      return;
    search.places.emplace_back(member.id, address);
    inquire.questions.push_back(
        {address, {.id = 0, .peer = member.name, .body = wire::AskIdentity{}}});
  };
  for (const Member& member : engine_.configuration().members()) {
    if (member.id == record_.id)
      continue;
    ask(member, member.address);
    for (const std::string& contact : contacts_)
      if (contact != member.address)
        ask(member, contact);
  }
  if (inquire.questions.empty())
    return;
  search_ = std::move(search);
  actors::send(this, node_, std::move(inquire));
}

/// A member is an id in our cluster, wherever it answers. Only addresses that we were told of, or
/// that the configuration names, are dialed.
void PeerActor::on_members_found(const std::vector<wire::Response>& responses) {
  const Search search = *std::exchange(search_, std::nullopt);
  begin_turn();
  for (std::size_t i = 0; i < std::min(responses.size(), search.places.size()); ++i) {
    const auto& [peer, address] = search.places[i];
    if (engine_.configuration().find(peer) == nullptr)
      continue;
    const auto* identity = std::get_if<wire::Identity>(&responses[i].body);
    if (identity != nullptr && identity->id == peer && identity->cluster == engine_.cluster())
      want_links(routes_.learn(peer, address, now()));
  }
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
  for (; !writes_.empty() && writes_.front().first <= written_; writes_.pop_front())
    flushes_.add(now(), now() - writes_.front().second);
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
