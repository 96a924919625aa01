#include "core/assert.hpp"
#include "test/data/stage.hpp"
#include "test/sim/disk.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <stdexcept>

namespace troupe::test {

namespace {

constexpr ClusterId first_cluster{1};
/// More than any story delivers at once: beyond it, two peers talk in circles.
constexpr int deliveries_max = 10000;

Configuration voters_to(std::uint64_t count) {
  Configuration configuration;
  for (std::uint64_t id = 1; id <= count; ++id)
    configuration.voters.push_back({.id = {id}, .name = "p" + std::to_string(id), .address = {}});
  return configuration;
}

/// "1,2,5"
std::vector<Member> members_of(const std::string& ids) {
  std::vector<Member> members;
  std::istringstream in(ids);
  for (std::string id; std::getline(in, id, ',');)
    members.push_back({.id = {std::stoull(id)}, .name = "p" + id, .address = {}});
  return members;
}

EntryId parse_id(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos)
    throw std::invalid_argument("not an id: " + text);
  return {{std::stoull(text.substr(0, slash))}, {std::stoull(text.substr(slash + 1))}};
}

}  // namespace

const std::map<std::string, Stage::Verb>& Stage::verbs() {
  static const std::map<std::string, Verb> all = {
      {"cluster", &Stage::cluster},     {"log", &Stage::log},
      {"bootstrap", &Stage::bootstrap}, {"campaign", &Stage::campaign},
      {"elect", &Stage::elect},         {"propose", &Stage::propose},
      {"read", &Stage::read},           {"transfer", &Stage::transfer},
      {"change", &Stage::change},       {"deliver", &Stage::deliver},
      {"drop", &Stage::drop},           {"hold", &Stage::hold},
      {"release", &Stage::release},     {"repeat", &Stage::repeat},
      {"isolate", &Stage::isolate},     {"cut", &Stage::cut},
      {"heal", &Stage::heal},           {"disk", &Stage::disk},
      {"persist", &Stage::persist},     {"tick", &Stage::tick},
      {"crash", &Stage::crash},         {"restart", &Stage::restart},
      {"wipe", &Stage::wipe},           {"disconnect", &Stage::disconnect},
      {"forge", &Stage::forge},         {"show", &Stage::show},
      {"silence", &Stage::silence},     {"copy", &Stage::copy},
      {"set_back", &Stage::set_back},
  };
  return all;
}

/// `cluster peers=N`: peers 1 to N, whose logs hold their configuration as 1/1, durably.
/// `cluster peers=N empty=yes`: as their stores were created; `spares=M`: so are M more. With
/// `append_bytes=M` requests carry no more than that, but one entry at least; `window_bytes`,
/// `window_messages`, `uncommitted_bytes` and `entry_bytes` are the options of these names;
/// newcomers have `catch_up_ms=M` to catch up. With `quiet_after_ms` leaders that have had nothing
/// to do for so long are quiet; else nobody ever is. `rested=yes`: they started long enough ago to
/// vote.
void Stage::cluster(const Line& line) {
  options_.append_bytes_max = number(line, "append_bytes", options_.append_bytes_max);
  options_.window_bytes_max = number(line, "window_bytes", options_.window_bytes_max);
  options_.window_messages_max = number(line, "window_messages", options_.window_messages_max);
  options_.uncommitted_bytes_max =
      number(line, "uncommitted_bytes", options_.uncommitted_bytes_max);
  options_.entry_bytes_max = number(line, "entry_bytes", options_.entry_bytes_max);
  if (line.has("catch_up_ms"))
    options_.catch_up_timeout = std::chrono::milliseconds(number(line, "catch_up_ms", 0));
  if (line.has("quiet_after_ms"))
    options_.quiet_after = std::chrono::milliseconds(number(line, "quiet_after_ms", 0));
  const std::uint64_t count = number(line, "peers", 3);
  const Configuration configuration = voters_to(count);
  const Entry entry{.id = {{1}, {1}},
                    .kind = EntryKind::configuration,
                    .payload = Bytes::copy_of(encode(configuration))};
  for (std::uint64_t id = 1; id <= count + number(line, "spares", 0); ++id) {
    Peer& p = peers_[PeerId{id}];
    if (!line.has("empty") && id <= count) {
      p.durable = {.hard_state = {.term = {1}, .voted_for = {}, .cluster = first_cluster},
                   .entries = {entry}};
      checker_.durable(
          PeerId{id},
          {.id = {1}, .hard_state = p.durable.hard_state, .truncate_from = {}, .entries = {entry}});
      checker_.crashed(PeerId{id});
    }
    p.now = line.has("rested") ? -options_.election_timeout_min : Time{};
    start(PeerId{id});
    p.now = {};
  }
}

/// `log N term=T ID…`: peer N starts again in term T, and these commands stand behind its
/// configuration, as a longer past would have left them.
void Stage::log(const Line& line) {
  const PeerId peer_id = first_peer(line);
  Peer& p = peer(peer_id);
  Write write{
      .id = {1},
      .hard_state = {.term = {number(line, "term", 1)}, .voted_for = {}, .cluster = first_cluster}};
  for (std::size_t i = 1; i < line.words.size(); ++i)
    write.entries.push_back(
        {.id = parse_id(line.words[i]), .kind = EntryKind::noop, .payload = {}});
  sim::apply(write, p.durable);
  checker_.durable(peer_id, write);
  checker_.crashed(peer_id);
  start(peer_id);
}

/// `bootstrap N peers=M [cluster=C]`: peer N makes peers 1 to M a cluster.
void Stage::bootstrap(const Line& line) {
  const PeerId id = first_peer(line);
  const std::uint64_t cluster = number(line, "cluster", first_cluster.value);
  strangers_ = strangers_ || cluster != first_cluster.value;
  const auto entry =
      peer(id).engine->bootstrap(voters_to(number(line, "peers", peers_.size())), {cluster});
  say(entry ? sim::text(*entry) : std::string(name(entry.refusal())));
  look(id);
  perform(id);
}

/// `campaign N`: peer N's clock passes its election deadline.
void Stage::campaign(const Line& line) {
  const PeerId id = first_peer(line);
  Peer& p = peer(id);
  if (!p.engine || p.engine->next_deadline() == never)
    throw std::invalid_argument("it has no deadline");
  p.now = std::max(p.now, p.engine->next_deadline());
  step(id, Tick{p.now});
}

/// `elect N`: nobody has heard a leader for a while, peer N campaigns, and all is delivered that
/// is not cut. What was in flight before goes first.
void Stage::elect(const Line& line) {
  const PeerId id = first_peer(line);
  quiet_ = true;
  deliver({});
  for (auto& [other, p] : peers_)
    if (other != id && p.view.role != Role::leader)
      p.now += EngineOptions{}.election_timeout_min;
  campaign(line);
  deliver({});
  quiet_ = false;
}

/// `propose N TEXT…`: commands for peer N, in one proposal.
void Stage::propose(const Line& line) {
  const PeerId id = first_peer(line);
  std::vector<Bytes> payloads;
  for (std::size_t i = 1; i < line.words.size(); ++i)
    payloads.push_back(Bytes::copy_of(line.words[i]));
  const auto first = peer(id).engine->propose(payloads);
  say(first ? sim::text(*first) : std::string(name(first.refusal())));
  look(id);
  perform(id);
}

/// `read N [count=M] [level=lease]`: linearizable or lease reads at peer N, before it does anything
/// else.
void Stage::read(const Line& line) {
  const PeerId id = first_peer(line);
  const bool lease = line.has("level") && line.options.at("level") == "lease";
  for (std::uint64_t i = 0; i < number(line, "count", 1); ++i) {
    const auto read =
        peer(id).engine->start_read(lease ? ReadLevel::lease : ReadLevel::linearizable);
    say(read ? "read " + std::to_string(read->value) : std::string(name(read.refusal())));
  }
  perform(id);
}

/// `transfer N [to=M]`: leader N hands over.
void Stage::transfer(const Line& line) {
  const PeerId id = first_peer(line);
  const auto to = peer(id).engine->transfer({number(line, "to", 0)});
  say(to ? "to " + std::to_string(to->value) : std::string(name(to.refusal())));
  look(id);
  perform(id);
}

/// `change N to=IDS [learners=IDS] [standbys=IDS] [keep=M [after_ms=A]]`: leader N is asked for
/// this configuration; `IDS` is as in 1,2,5. With `keep` leaders keep M voters by themselves.
void Stage::change(const Line& line) {
  const PeerId id = first_peer(line);
  Configuration target;
  if (line.has("to"))
    target.voters = members_of(line.options.at("to"));
  if (line.has("learners"))
    target.learners = members_of(line.options.at("learners"));
  if (line.has("standbys"))
    target.standbys = members_of(line.options.at("standbys"));
  if (line.has("keep"))
    target.keep = {.count = static_cast<std::uint32_t>(number(line, "keep", 0)),
                   .after = std::chrono::milliseconds(number(line, "after_ms", 1000))};
  const auto entry = peer(id).engine->change_configuration(target);
  say(entry ? sim::text(*entry) : std::string(name(entry.refusal())));
  look(id);
  perform(id);
}

/// `deliver [LINK…] [count=N] [quiet=yes]`: what is in flight arrives in the order it was sent,
/// and so does what is said to it, until nobody has anything to say (or N arrived).
void Stage::deliver(const Line& line) {
  const std::vector<Link> wanted = links(line);
  const bool quiet_before = quiet_;
  quiet_ = quiet_ || line.has("quiet");
  const std::uint64_t count = number(line, "count", deliveries_max);
  for (std::uint64_t done = 0; done < count; ++done) {
    const auto next = std::ranges::find_if(flight_, [&](const Message& message) {
      return wanted.empty()
             || std::ranges::find(wanted, Link{message.from, message.to}) != wanted.end();
    });
    if (next == flight_.end())
      break;
    if (done + 1 == deliveries_max)
      say("error: they talk in circles");
    Message message = std::move(*next);
    flight_.erase(next);
    deliver_one(std::move(message));
  }
  quiet_ = quiet_before;
}

/// `drop [LINK…]`: what is in flight there is lost.
void Stage::drop(const Line& line) {
  say(std::to_string(take_flight(links(line)).size()) + " dropped");
}

/// `hold [LINK…]`: what is in flight there stays on the way until `release`.
void Stage::hold(const Line& line) {
  std::vector<Message> taken = take_flight(links(line));
  say(std::to_string(taken.size()) + " held");
  held_.insert(held_.end(), taken.begin(), taken.end());
}

/// `release`: what was held is in flight again, behind all else.
void Stage::release(const Line&) {
  flight_.insert(flight_.end(), held_.begin(), held_.end());
  held_.clear();
}

/// `repeat [LINK…]`: a copy of what is in flight there is held.
void Stage::repeat(const Line& line) {
  const std::deque<Message> before = flight_;
  const std::vector<Message> taken = take_flight(links(line));
  flight_ = before;
  say(std::to_string(taken.size()) + " repeated");
  held_.insert(held_.end(), taken.begin(), taken.end());
}

/// `isolate N…`: these peers hear nobody and nobody hears them; what is in flight is lost.
void Stage::isolate(const Line& line) {
  for (const std::string& word : line.words) {
    const PeerId id{std::stoull(word)};
    for (const auto& [other, p] : peers_) {
      cuts_.insert({id, other});
      cuts_.insert({other, id});
    }
  }
}

/// `cut LINK…`: nothing arrives there any more.
void Stage::cut(const Line& line) {
  for (const Link& link : links(line))
    cuts_.insert(link);
}

/// `heal`: every link works.
void Stage::heal(const Line&) {
  cuts_.clear();
}

/// `disk N held`: what peer N writes waits for `persist`. `disk N instant`: it does not.
void Stage::disk(const Line& line) {
  const PeerId id = first_peer(line);
  if (line.words.size() != 2 || (line.words[1] != "held" && line.words[1] != "instant"))
    throw std::invalid_argument("held or instant?");
  Peer& p = peer(id);
  p.disk_is_held = line.words[1] == "held";
  while (!p.disk_is_held && !p.writes.empty())
    persist_one(id, true);
  perform(id);
}

/// `persist N [count=M] [notice=no]`: what peer N has written is durable. Without the
/// notice the peer does not know yet.
void Stage::persist(const Line& line) {
  const PeerId id = first_peer(line);
  Peer& p = peer(id);
  std::uint64_t count = number(line, "count", p.writes.size());
  while (count-- > 0 && !p.writes.empty()) {
    say(sim::text(p.writes.front()));
    persist_one(id, !line.has("notice"));
  }
  perform(id);
}

/// `tick [N…] ms=M`: the clocks of these peers (none: of all) go on.
void Stage::tick(const Line& line) {
  const auto passed = std::chrono::milliseconds(number(line, "ms", 0));
  for (auto& [id, p] : peers_) {
    const bool meant =
        line.words.empty()
        || std::ranges::find(line.words, std::to_string(id.value)) != line.words.end();
    if (!meant || !p.engine)
      continue;
    p.now += passed;
    step(id, Tick{p.now});
  }
}

/// `crash N`: what is not durable is lost.
void Stage::crash(const Line& line) {
  const PeerId id = first_peer(line);
  Peer& p = peer(id);
  for (const Write& write : p.writes)
    say("lost " + sim::text(write));
  p.writes.clear();
  p.engine.reset();
  checker_.crashed(id);
}

/// `restart N`: peer N starts from its disk.
void Stage::restart(const Line& line) {
  const PeerId id = first_peer(line);
  if (peer(id).engine)
    throw std::invalid_argument("it runs");
  start(id);
  show(line);
}

/// `wipe N as=M`: peer N is gone, and its process comes back with an empty store: as another.
void Stage::wipe(const Line& line) {
  const PeerId id = first_peer(line);
  crash(line);
  checker_.crashed(id);
  const PeerId other{number(line, "as", 0)};
  peers_.erase(id);
  peers_[other] = {};
  start(other);
}

/// `copy N`: somebody copies what peer N has on its disk.
void Stage::copy(const Line& line) {
  const PeerId id = first_peer(line);
  peer(id).copy = peer(id).durable;
  checker_.copied(id);
}

/// `set_back N`: peer N crashes, and the copy takes the place of what it had on its disk.
void Stage::set_back(const Line& line) {
  const PeerId id = first_peer(line);
  crash(line);
  peer(id).durable = peer(id).copy;
  checker_.set_back(id);
}

/// `disconnect N from=M`: peer N's node has no connection to M's.
void Stage::disconnect(const Line& line) {
  const PeerId id = first_peer(line);
  step(id, Disconnected{{number(line, "from", 0)}});
  const PeerId leader = peer(id).view.leader;
  say(leader == nobody ? "it knows no leader" : "leader " + std::to_string(leader.value));
}

/// `silence N from=M`: peer N's node has heard nothing from M's for an election timeout, or a peer
/// has ended there.
void Stage::silence(const Line& line) {
  step(first_peer(line), Silent{{number(line, "from", 0)}});
}

/// `forge LINK kind=KIND term=T [cluster=C] [last=ID] [after=ID] [commit=N]`: a message that
/// nobody sent is in flight. It is a heartbeat unless the kind is another.
void Stage::forge(const Line& line) {
  strangers_ = true;
  const std::vector<Link> between = links(line);
  const auto id = [&](const std::string& key) {
    return line.has(key) ? parse_id(line.options.at(key)) : EntryId{};
  };
  const std::string kind = line.has("kind") ? line.options.at("kind") : "append_request";
  Body body = AppendRequest{.previous = id("after"), .commit = {number(line, "commit", 0)}};
  if (kind == "vote_request")
    body = VoteRequest{.last = id("last")};
  else if (kind == "vote_response")
    body = VoteResponse{.granted = true};
  else if (kind == "pre_vote_request")
    body = PreVoteRequest{.last = id("last")};
  else if (kind == "timeout_now")
    body = TimeoutNow{};
  else if (kind != "append_request")
    throw std::invalid_argument("no such kind: " + kind);
  for (const auto& [from, to] : between)
    flight_.push_back({.cluster = {number(line, "cluster", first_cluster.value)},
                       .from = from,
                       .to = to,
                       .term = {number(line, "term", 1)},
                       .body = body});
}

/// `show [N…]`: each peer (or these) with its log: `|` stands behind what it knows to be
/// committed, `*` behind what it knows to be durable.
void Stage::show(const Line& line) {
  for (const auto& [id, p] : peers_) {
    const std::string number = std::to_string(id.value);
    if (!line.words.empty() && std::ranges::find(line.words, number) == line.words.end())
      continue;
    say(number + " " + (p.engine ? sim::text(p.engine->view(), p.engine->log()) : "is down"));
  }
}

}  // namespace troupe::test
