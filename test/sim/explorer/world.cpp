#include "test/sim/explorer/world.hpp"

#include "core/assert.hpp"
#include "test/sim/disk.hpp"
#include "test/sim/explorer/digest.hpp"
#include "test/sim/state.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::sim {

namespace {

using std::chrono::hours;
using std::chrono::microseconds;

/// Rounds of heartbeats after which all peers know of all that they agree on.
constexpr int settling_rounds = 5;
/// A peer may have to be told of a term before it can ask for the next.
constexpr int campaign_tries_max = 3;

/// Time passes as the explorer likes: what a peer promises is over at once, if that matters, and
/// what it waits for comes only where an action says so.
constexpr Duration heartbeat = microseconds(1);
constexpr Duration promise = microseconds(3);
constexpr Duration patience = hours(1);

Member member(std::uint64_t id) {
  return {.id = {id}, .name = "p" + std::to_string(id)};
}

std::size_t seat_of(PeerId id) {
  return static_cast<std::size_t>(id.value - 1);
}

}  // namespace

Engine World::start(std::size_t peer, const Recovered& disk) const {
  EngineOptions options;
  options.self = {peer + 1};
  options.heartbeat_interval = heartbeat;
  options.election_timeout_min = promise;
  options.election_timeout_max = patience;
  options.disk_stall_max = Duration::max();
  options.catch_up_timeout = patience;
  options.append_bytes_max = scenario_->append_bytes;
  options.window_bytes_max = 1 << 20;
  options.snapshot_entries = 0;
  options.snapshot_bytes = 0;
  options.quiet_after = Duration::zero();
  return Engine(options, disk, Time{});
}

World::World(const Scenario& scenario) : scenario_(&scenario) {
  for (std::size_t peer = 0; peer < scenario.peers; ++peer)
    peers_.push_back(
        std::make_shared<const Seated>(Seated{.id = {peer + 1}, .engine = start(peer, {})}));
  links_.resize(scenario.peers * scenario.peers);
  rules_ = std::make_shared<const Rules>();
  begin();
  left_ = scenario.budget;
}

void World::begin() {
  Configuration configuration;
  for (std::uint64_t id = 1; id <= scenario_->voters; ++id)
    configuration.voters.push_back(member(id));
  turn(0, [&](Seated& first) {
    const auto done = first.engine.bootstrap(configuration, ClusterId{7});
    TROUPE_ASSERT(done);
  });
  for (int round = 0; round < settling_rounds; ++round) {
    for (std::size_t from = 0; from < peers_.size(); ++from)
      for (std::size_t to = 0; to < peers_.size(); ++to)
        while (link(from, to)[0] != nullptr)
          deliver(from, to, 0, true);
    beat(0);
  }
  for (Link& each : links_)
    each = {};
}

Rules& World::rules() {
  auto copy = std::make_shared<Rules>(*rules_);
  Rules& changed = *copy;
  rules_ = std::move(copy);
  return changed;
}

/// Something happens to one peer, which then does all that its engine asks.
template <class Happening>
void World::turn(std::size_t peer, const Happening& happening) {
  auto changed = std::make_shared<Seated>(*peers_[peer]);
  std::vector<Message> messages;
  happening(*changed);
  watch_leader(*changed);
  perform_output(*changed, messages);
  changed->digest = mix(EngineDigest::of(changed->engine), digest_of(changed->disk));
  changed->digest = mix(changed->digest, changed->stalls ? 1 : 0);
  peers_[peer] = std::move(changed);
  if (!scenario_->late_messages)
    forget_older_terms(peer);
  for (const Message& message : messages)
    send(message);
}

void World::perform_output(Seated& peer, std::vector<Message>& messages) {
  while (peer.engine.has_output()) {
    Output out = peer.engine.take_output();
    if (out.write)
      peer.writing.push_back(*std::move(out.write));
    for (Message& message : out.messages)
      messages.push_back(std::move(message));
    for (const Entry& entry : out.committed)
      rules().applied(peer.engine, peer.id, entry);
    while (!peer.stalls && !peer.writing.empty())
      finish_write(peer);
  }
}

void World::watch_leader(const Seated& peer) {
  if (peer.engine.role() == Role::leader && !rules_->knows(peer.engine, peer.life))
    rules().elected(peer.engine, peer.life);
}

void World::finish_write(Seated& peer) {
  const Write write = std::move(peer.writing.front());
  peer.writing.pop_front();
  apply(write, peer.disk);
  peer.engine.step(Persisted{write.id});
  watch_leader(peer);  // A single voter leads from here on.
}

void World::send(const Message& message) {
  const std::size_t from = seat_of(message.from);
  const std::size_t to = seat_of(message.to);
  // Pre-votes change nothing that lasts, so nothing comes between one and its answer.
  if (std::holds_alternative<PreVoteRequest>(message.body)
      || std::holds_alternative<PreVoteResponse>(message.body))
    return receive(to, message);
  Link& queue = link(from, to);
  if (queue.back() != nullptr) {
    std::move(queue.begin() + 1, queue.end(), queue.begin());
    queue.back() = nullptr;
  }
  for (auto& slot : queue) {
    if (slot != nullptr)
      continue;
    slot = std::make_shared<const Sent>(Sent{message, digest_of(message)});
    return;
  }
}

/// Of these a peer learns nothing but that there is a newer term, which it learns anyway.
void World::forget_older_terms(std::size_t to) {
  const Term term = peers_[to]->engine.term();
  for (std::size_t from = 0; from < peers_.size(); ++from) {
    Link& queue = link(from, to);
    while (queue[0] != nullptr && queue[0]->message.term < term) {
      std::move(queue.begin() + 1, queue.end(), queue.begin());
      queue.back() = nullptr;
    }
  }
}

void World::receive(std::size_t peer, const Message& message) {
  turn(peer, [&](Seated& receiver) {
    // The peer that is asked for a vote has heard no leader for long enough to give it.
    const bool asks = std::holds_alternative<PreVoteRequest>(message.body)
                      || std::holds_alternative<VoteRequest>(message.body);
    if (asks && receiver.engine.role() != Role::leader) {
      receiver.now += promise;
      receiver.engine.step(Tick{receiver.now});
    }
    receiver.engine.step(message);
  });
}

void World::deliver(std::size_t from, std::size_t to, std::size_t place, bool answered) {
  const std::shared_ptr<const Sent> sent = link(from, to)[place];
  Link& queue = link(from, to);
  // What it overtook is lost, or comes late.
  const std::size_t first = scenario_->late_messages ? place : 0;
  std::move(queue.begin() + static_cast<std::ptrdiff_t>(place) + 1, queue.end(),
            queue.begin() + static_cast<std::ptrdiff_t>(first));
  for (std::size_t i = queue.size() - (place + 1 - first); i < queue.size(); ++i)
    queue[i] = nullptr;
  const Link before = link(to, from);
  receive(to, sent->message);
  if (!answered)
    return;
  const Link& after = link(to, from);
  for (std::size_t i = after.size(); i-- > 0;) {
    if (after[i] == nullptr)
      continue;
    if (std::ranges::find(before, after[i]) == before.end())
      deliver(to, from, i, false);
    return;
  }
}

/// A peer that has heard nothing for long gives up its role, asks for pre-votes, and campaigns.
void World::campaign(std::size_t peer) {
  for (int tries = 0; tries < campaign_tries_max; ++tries) {
    const Term before = peers_[peer]->engine.term();
    turn(peer, [&](Seated& candidate) {
      const bool leads = candidate.engine.role() == Role::leader;
      const Time deadline = candidate.engine.next_deadline();
      candidate.now = leads ? candidate.now + patience : std::max(candidate.now, deadline);
      if (deadline != never)
        candidate.engine.step(Tick{candidate.now});
    });
    if (peers_[peer]->engine.role() == Role::candidate && peers_[peer]->engine.term() > before)
      return;
  }
}

void World::beat(std::size_t peer) {
  turn(peer, [](Seated& leader) {
    // A cluster of one has nobody to tell.
    const Time deadline = leader.engine.next_deadline();
    if (deadline == never)
      return;
    leader.now = std::max(leader.now, deadline);
    leader.engine.step(Tick{leader.now});
  });
}

void World::crash(std::size_t peer) {
  const Seated& before = *peers_[peer];
  auto changed = std::make_shared<Seated>(Seated{.id = before.id,
                                                 .life = before.life + 1,
                                                 .engine = start(peer, before.disk),
                                                 .disk = before.disk});
  peers_[peer] = std::move(changed);
  turn(peer, [](Seated&) {});
}

void World::perform(const Action& action) {
  const std::size_t peer = action.peer;
  switch (action.kind) {
    case Action::Kind::deliver:
      return deliver(peer, action.to, action.place, false);
    case Action::Kind::call:
      return deliver(peer, action.to, action.place, true);
    case Action::Kind::campaign:
      --left_.campaigns;
      return campaign(peer);
    case Action::Kind::propose: {
      const std::string name = std::to_string(left_.proposals--);
      const std::vector<Bytes> payloads(scenario_->commands, Bytes::copy_of(name));
      return turn(peer, [&](Seated& leader) { (void)leader.engine.propose(payloads); });
    }
    case Action::Kind::change: {
      --left_.changes;
      Configuration target;
      for (const std::uint64_t id : scenario_->targets[action.place])
        target.voters.push_back(member(id));
      return turn(peer, [&](Seated& leader) { (void)leader.engine.change_configuration(target); });
    }
    case Action::Kind::crash:
      --left_.crashes;
      return crash(peer);
    case Action::Kind::stall:
      --left_.stalls;
      return turn(peer, [](Seated& slow) { slow.stalls = true; });
    case Action::Kind::persist:
      return turn(peer, [&](Seated& slow) {
        finish_write(slow);
        slow.stalls = !slow.writing.empty();
      });
    case Action::Kind::heartbeat:
      --left_.heartbeats;
      return beat(peer);
  }
}

void World::add_actions_of(std::size_t peer, std::vector<Action>& actions) const {
  using Kind = Action::Kind;
  const Seated& seated = *peers_[peer];
  const bool leads = seated.engine.role() == Role::leader;
  const auto add = [&](bool possible, Kind kind, std::size_t place = 0) {
    if (possible)
      actions.push_back({.kind = kind,
                         .peer = static_cast<std::uint8_t>(peer),
                         .to = 0,
                         .place = static_cast<std::uint8_t>(place)});
  };
  add(leads && left_.proposals > 0, Kind::propose);
  for (std::size_t target = 0; target < scenario_->targets.size(); ++target)
    add(leads && left_.changes > 0, Kind::change, target);
  add(left_.campaigns > 0 && seated.engine.next_deadline() != never, Kind::campaign);
  add(left_.crashes > 0, Kind::crash);
  add(left_.stalls > 0 && !seated.stalls, Kind::stall);
  add(!seated.writing.empty(), Kind::persist);
  add(leads && left_.heartbeats > 0, Kind::heartbeat);
}

std::vector<Action> World::actions() const {
  std::vector<Action> actions;
  for (std::size_t from = 0; from < peers_.size(); ++from)
    for (std::size_t to = 0; to < peers_.size(); ++to)
      for (std::size_t place = 0; place < link_messages_max; ++place) {
        if (link(from, to)[place] == nullptr)
          break;
        for (const auto kind : {Action::Kind::call, Action::Kind::deliver})
          if (kind == Action::Kind::call || scenario_->lone_answers)
            actions.push_back({.kind = kind,
                               .peer = static_cast<std::uint8_t>(from),
                               .to = static_cast<std::uint8_t>(to),
                               .place = static_cast<std::uint8_t>(place)});
      }
  for (std::size_t peer = 0; peer < peers_.size(); ++peer)
    add_actions_of(peer, actions);
  return actions;
}

std::uint64_t World::digest() const {
  std::uint64_t digest = rules_->digest();
  for (const auto& peer : peers_)
    digest = mix(digest, peer->digest);
  for (const Link& each : links_)
    for (const auto& sent : each)
      digest = mix(digest, sent == nullptr ? 0 : sent->digest);
  for (const unsigned left : {left_.campaigns, left_.proposals, left_.changes, left_.crashes,
                              left_.stalls, left_.heartbeats})
    digest = mix(digest, left);
  return digest;
}

std::string World::describe(const Action& action) const {
  const std::string peer = std::to_string(action.peer + 1);
  switch (action.kind) {
    case Action::Kind::deliver:
    case Action::Kind::call:
      return text(link(action.peer, action.to)[action.place]->message)
             + (action.kind == Action::Kind::call ? ", answered" : "");
    case Action::Kind::campaign:
      return peer + " campaigns";
    case Action::Kind::propose:
      return peer + " is proposed a command";
    case Action::Kind::change: {
      std::string out = peer + " is asked to change to";
      for (const std::uint64_t id : scenario_->targets[action.place])
        out += " " + std::to_string(id);
      return out;
    }
    case Action::Kind::crash:
      return peer + " crashes and starts again";
    case Action::Kind::stall:
      return "the disk of " + peer + " stalls";
    case Action::Kind::persist:
      return "the disk of " + peer + " goes on";
    case Action::Kind::heartbeat:
      return peer + " sends heartbeats";
  }
  TROUPE_ASSERT(false);
  return "";
}

std::string World::describe() const {
  std::string out;
  for (const auto& peer : peers_)
    out += "    " + std::to_string(peer->id.value) + " "
           + text(peer->engine.view(), peer->engine.log()) + "\n";
  return out;
}

}  // namespace troupe::sim
