#include "actors/peer/peer_actor.hpp"

#include "actors/machine/resource_actor.hpp"
#include "actors/runtime/logger.hpp"
#include "core/assert.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe::actors {
namespace {

/// Queries that a resource is asked at a time: few enough for a short task (`LongTasks`), however
/// many clients ask. A resource that is taken off the thread of the connections answers each of
/// them from another thread.
constexpr std::size_t ask_queries_max = 64;

}  // namespace

namespace {

/// A leader calls a member lost that it has not heard for so many election timeouts.
constexpr int lost_after_timeouts = 3;

}  // namespace

PeerActor::PeerActor(caf::actor_config& config, PeerParts parts)
    : IoActor(config),
      record_(std::move(parts.record)),
      kind_(std::move(parts.kind)),
      entry_bytes_max_(parts.options.entry_bytes_max),
      catch_up_timeout_(parts.options.catch_up_timeout),
      stickiness_(parts.options.election_timeout_min),
      stop_timeout_(parts.stop_timeout),
      node_incarnation_(parts.node_incarnation),
      node_(std::move(parts.node)),
      store_(std::move(parts.store)),
      snapshots_(std::move(parts.snapshots)),
      snapshot_(parts.recovered.snapshot),
      started_at_(clock().now()),
      engine_(parts.options, std::move(parts.recovered), Time::zero()),
      routes_(std::move(parts.address)),
      contacts_(std::move(parts.contacts)),
      on_news_(parts.on_news ? std::move(parts.on_news) : [](const News&) {}),
      log_(record_.name, lost_after_timeouts * parts.options.election_timeout_max, on_news_) {
  routes_.use(std::move(parts.registry));
}

caf::behavior PeerActor::make_behavior() {
  outlive_errors(this);
  resource_ = spawn<ResourceActor>(kind_);
  actors::send(this, snapshots_, KeepSnapshot{record_.id, snapshot_});
  want_links(routes_.use(engine_.configuration(), now()));
  begin_turn();
  if (engine_.view().hard_state.set_back)
    tell_set_back({.peer = record_.id, .acknowledged = {}, .last = engine_.log().last().index});
  return {
      [this](InboundMessages& inbound) { on_messages(inbound); },
      [this](InboundCalls& inbound) { on_calls(inbound); },
      [this](const InboundRequest& inbound) { on_request(inbound); },
      [this](const StoreWritten& written) { on_written(written); },
      [this](const StoreFailed& failed) { on_store_failed(failed); },
      [this](const StoreFull& news) { on_store_full(news); },
      [this](Applied& applied) { on_applied(applied); },
      [this](const SaveProgress& progress) { taken_percent_ = progress.percent; },
      [this](const SnapshotSaved& saved) { on_snapshot_saved(saved); },
      [this](const Loaded& loaded) { on_loaded(loaded); },
      [this](ChunkRead& read) { on_chunk_read(read); },
      [this](const ChunkWritten& written) { on_chunk_written(written); },
      [this](const Checked& checked) { on_checked(checked); },
      [this](const LinkUp& link) { on_link_up(link); },
      [this](const LinkDown& link) { on_link_down(link); },
      [this](const NodeInDoubt& doubt) { on_node_in_doubt(doubt); },
      [this](const SharedRegistry& registry) { on_registry(registry); },
      [this](const Inquired& inquired) { on_inquired(inquired); },
      [this](const Wake& wake) { on_wake(wake); },
      [this](const Flush&) { end_turn(); },
      [this](const InputRead&) { on_input_read(); },
      [this](const Stop&) { stop(); },
  };
}

/// Actors that hold each other's handles are never freed.
void PeerActor::on_exit() {
  if (resource_)
    actors::send(this, resource_, Stop{});
  node_ = store_ = snapshots_ = resource_ = nullptr;
  routes_ = Routes{{}};
  commands_ = {};
  reads_ = {};
  held_ = {};
  change_.reset();
  handover_.reset();
  waiting_calls_.clear();
  queries_.clear();
  snapshot_asker_.reset();
}

Time PeerActor::now() const {
  return std::chrono::duration_cast<Time>(clock().now() - started_at_);
}

void PeerActor::begin_turn() {
  if (std::exchange(turn_open_, true))
    return;
  turn_commands_ = 0;
  // In this order: what comes before the end of the turn came before the time it is stepped with,
  // however long we are kept from running here. A promise to a leader must not begin too early.
  actors::send(this, this, Flush{});
  tick();
  turn_began_ = now();
}

/// What is read by now need not be all that has arrived: a node that was kept from running meets
/// its timers first. So nothing is decided by silence before that was looked after.
void PeerActor::tick() {
  const Time time = now();
  engine_.step(Tick{.now = time, .unread = time - input_read_upto_});
  if (engine_.would_judge_silence(time))
    read_before_judging();
}

void PeerActor::end_turn() {
  if (!std::exchange(turn_open_, false))
    return;
  start_reads();
  perform(engine_.take_output());
  // An engine hands out a long log in steps, so that others get their say in between.
  if (engine_.has_output() || may_start_reads())
    begin_turn();
  end_change_if_done();
  end_change_if_late();
  end_handover_if_done();
  refuse_late_reads();
  drop_links();
  seek_members();
  answer_waiting_calls();
  continue_stop();
  arm_timer();
  const Time time = now();
  turns_.add(time, time - turn_began_);
  if (time >= log_.look_at()) {
    const EngineView& view = engine_.view();
    log_.look(view, time);
    seek_lost_disks(view);
  }
}

/// Timers cannot be taken back. One that fires early does no harm: it looks, and arms the next.
void PeerActor::arm_timer() {
  if (ended_ || reading_since_)
    return;  // When all is read the next turn begins.
  Time deadline = std::min(engine_.next_deadline(), held_.deadline());
  if (change_)
    deadline = std::min(deadline, change_->deadline);
  if (handover_)
    deadline = std::min(deadline, handover_->deadline);
  if (stopping_)
    deadline = std::min({deadline, stopping_->deadline, stopping_->stays_until.value_or(never),
                         stopping_->handing_over ? stopping_->heir_deadline : never,
                         stopping_->redirects_until.value_or(never)});
  if (seeks_members())
    deadline = std::min(deadline, search_at_);
  if (deadline == never || (armed_ && *armed_ <= deadline))
    return;
  armed_ = deadline;
  ++epoch_;
  send_after(this, std::max(deadline - now(), Duration::zero()), this, Wake{epoch_});
}

void PeerActor::on_wake(const Wake& wake) {
  if (wake.epoch != epoch_)
    return;
  armed_.reset();
  begin_turn();
}

/// Does what the engine asks, in the one order that keeps its promises (§3.8).
void PeerActor::perform(Output out) {
  // Messages may go to peers that this very output tells us of.
  follow_configuration(out);
  if (out.write) {
    write_sent_ = out.write->id;
    follow_snapshot(*out.write);
    writes_.emplace_back(write_sent_, now());
    actors::send(this, store_, StoreWrite{record_.id, self(), *std::move(out.write)});
  }
  if (!out.messages.empty())
    send_messages(std::move(out.messages));
  if (out.install)
    install(*std::move(out.install));
  if (!out.committed.empty())
    dispatch(std::move(out.committed));
  if (out.take_snapshot)
    start_snapshot(*std::move(out.take_snapshot));
  if (!out.reads.empty())
    answer_reads(out.reads);
  answer_held_reads();
  read_chunks(std::move(out.chunks_to_send));
  write_chunks(std::move(out.chunks_to_store));
  if (out.check_snapshot)
    actors::send(this, snapshots_, CheckSnapshot{self(), record_.id, *out.check_snapshot});
  if (out.role_changed)
    on_role_changed();
  for (const SetBack& each : out.set_back)
    tell_set_back(each);
}

void PeerActor::send_messages(std::vector<Message> messages) {
  for (Routes::Parcel& parcel : routes_.sort(std::move(messages))) {
    if (parcel.local) {
      actors::send(this, parcel.to,
                   InboundMessages{routes_.own_address(), {}, std::move(parcel.messages)});
      continue;
    }
    for (wire::Frame& frame : frames_of(std::move(parcel.messages)))
      actors::send(this, parcel.to, std::move(frame));
  }
}

void PeerActor::dispatch(std::vector<Entry> committed) {
  TROUPE_ASSERT(committed.front().id.index == next(dispatched_));
  dispatched_ = committed.back().id.index;
  // Replies are made for those who wait for them: followers save the work.
  const bool with_outcomes = commands_.any_upto(dispatched_);
  actors::send(this, resource_, Apply{self(), std::move(committed), with_outcomes});
}

/// Behind the entries that the answers must reflect: the mailbox of the resource does the rest.
void PeerActor::answer_reads(const std::vector<ReadReady>& ready) {
  TROUPE_ASSERT(ready.back().index <= dispatched_);
  ask_resource(reads_.take(ready.back().upto));
}

void PeerActor::answer_held_reads() {
  if (dispatched_ >= engine_.horizon() && held_.any_upto(dispatched_))
    ask_resource(held_.take(dispatched_));
}

namespace {

/// The next queries, with the tickets that are theirs: those stand in the order of the queries.
Ask part_of(Ask& whole, std::size_t from) {
  const std::size_t upto = std::min(from + ask_queries_max, whole.queries.size());
  Ask part{.queries = {}, .tickets = {}, .cluster = whole.cluster, .leader = whole.leader};
  part.queries.reserve(upto - from);
  const std::size_t first = whole.queries[from].ticket;
  const std::size_t last = whole.queries[upto - 1].ticket;
  for (std::size_t i = first; i <= last; ++i)
    part.tickets.push_back(whole.tickets[i]);
  for (std::size_t i = from; i < upto; ++i) {
    part.queries.push_back(std::move(whole.queries[i]));
    part.queries.back().ticket -= first;
  }
  return part;
}

}  // namespace

void PeerActor::ask_resource(Ask ask) {
  if (ask.queries.empty())
    return;
  ask.cluster = engine_.cluster();
  ask.leader = leader_elsewhere();
  for (std::size_t from = 0; from < ask.queries.size(); from += ask_queries_max)
    actors::send(this, resource_, part_of(ask, from));
}

void PeerActor::follow_configuration(const Output& out) {
  const auto touches = [](const Write& write) {
    return write.truncate_from.has_value() || write.restart
           || std::ranges::find(write.entries, EntryKind::configuration, &Entry::kind)
                  != write.entries.end();
  };
  if (!out.write || !touches(*out.write))
    return;
  want_links(routes_.use(engine_.configuration(), now()));
  on_news_(ConfigurationNews{record_.name, engine_.configuration()});
}

/// Operators alone can help: the peer must join again as another incarnation.
void PeerActor::tell_set_back(const SetBack& found) const {
  const Member* member = engine_.configuration().find(found.peer);
  const bool is_ours = found.peer == record_.id;
  on_news_(DiskNews{record_.name, member != nullptr ? *member : Member{.id = found.peer}});
  log(LogLevel::error, "disk_set_back",
      {{"peer", record_.name},
       LogField::own("member", member != nullptr ? full_name(*member) : record_.name),
       {"acknowledged", found.acknowledged.value},
       {"holds", found.last.value},
       LogField::own("problem",
                     is_ours ? "this peer's disk holds less than it had acknowledged; it neither "
                               "votes nor accepts until it joins again with an empty directory"
                             : "the member's disk holds less than it had acknowledged; it counts "
                               "for nothing until it joins again with an empty directory")});
}

/// After losing leadership, fails the proposals in flight: the next leader decides their fate.
void PeerActor::on_role_changed() {
  const EngineView view = engine_.view();
  log_.on_role(view, leader_name(), delays(), now());
  if (view.disk_stalls)  // Perhaps why.
    log(LogLevel::warning, "disk_stalls", {{"peer", record_.name}});
  const Term leading = view.role == Role::leader ? view.hard_state.term : Term{};
  const bool leads_on = leading != Term{} && leading == led_term_;
  if (leads_on)
    return;
  Replies replies;
  // What was dispatched is committed under any leader: its waiters get their replies.
  if (std::exchange(led_term_, leading) != leading)
    commands_.lose(dispatched_, leading, Refusal::unknown_outcome, replies);
  // A leader takes no reads before an output has made it one: all that wait asked an older term's.
  // Those that a follower passed on are lost with whom it passed them to.
  reads_.lose_all(Refusal::redirect, leader_name(), replies);
  send_all(this, replies);
}

void PeerActor::log_handover(PeerId to, std::string_view why) const {
  const Member* member = engine_.configuration().find(to);
  log(LogLevel::info, "handing_over",
      {{"peer", record_.name},
       {"term", engine_.term().value},
       LogField::own("to", member == nullptr ? std::string() : full_name(*member)),
       {"why", why}});
}

/// What may be why an election was called. A write that is under way took as long as until now.
PeerLog::Delays PeerActor::delays() {
  const Time time = now();
  const Duration waits = writes_.empty() ? Duration::zero() : time - writes_.front().second;
  return {.turn = std::max(turns_.value(time), time - turn_began_),
          .flush = std::max(flushes_.value(time), waits)};
}

}  // namespace troupe::actors
