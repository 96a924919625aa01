#include "test/fuzz/engine_life.hpp"

#include "core/invariants.hpp"
#include "storage/memory_store.hpp"

#include <algorithm>
#include <utility>

namespace troupe::fuzz {

namespace {

constexpr ClusterId our_cluster{77};
constexpr PeerId self{1};

/// What one input may cost others: a window to each of a handful of members, and some answers.
constexpr std::size_t messages_max = 1024;
/// An engine that is asked again and again for more output has none, some time.
constexpr int outputs_max = 32;

EngineOptions options() {
  return {.self = self,
          .seed = 43,
          .quiet_after = std::chrono::milliseconds(100),
          .window_messages_max = 8,
          .snapshot_entries = 6,
          .snapshot_keep_entries = 2,
          .cut_entries_max = 3};
}

Member member(std::uint64_t id) {
  return {.id = {id}, .name = "p" + std::to_string(id), .address = "h:" + std::to_string(id)};
}

Entry entry(std::uint64_t term, std::uint64_t index) {
  return {.id = {{term}, {index}}, .kind = EntryKind::command, .payload = Bytes::copy_of("x")};
}

}  // namespace

EngineLife::EngineLife(Draw& draw) : draw_(draw) {
  const std::uint8_t setting = draw_.byte();
  if ((setting & 1) == 0) {
    const Configuration trio{.voters = {member(1), member(2), member(3)}};
    disk_.hard_state = {.term = {2}, .voted_for = nobody, .cluster = our_cluster};
    disk_.entries = {{.id = {{1}, {1}},
                      .kind = EntryKind::configuration,
                      .payload = Bytes::copy_of(encode(trio))}};
    for (std::uint64_t index = 2; index < 2 + (setting >> 1) % 8u; ++index)
      disk_.entries.push_back(entry(1 + index / 8, index));
  }
  restart();
}

void EngineLife::fail(std::string what) {
  if (!problem_)
    problem_ = std::move(what);
}

/// What was not durable is gone, and so is all that is only in memory.
void EngineLife::restart() {
  written_.clear();
  taking_.reset();
  chunks_.clear();
  installed_.reset();
  now_ += options().election_timeout_min;
  engine_.emplace(options(), disk_, now_);
  before_ = engine_->view();
  applied_ = reported_ = before_.applied;
  released_.clear();
  last_write_ = {};
  engine_->step(Tick{now_});
  settle();
}

void EngineLife::step() {
  ++inputs_;
  switch (draw_.below(16)) {
    case 0:
    case 1:
      now_ += Duration(draw_.byte() * 1000);
      engine_->step(Tick{now_});
      break;
    case 2:
      now_ = std::max(now_, std::min(engine_->next_deadline(), now_ + std::chrono::seconds(60)));
      engine_->step(Tick{now_});
      break;
    case 3:
    case 4:
      persist();
      break;
    case 5:
      ask();
      break;
    case 6:
      change_configuration();
      break;
    case 7:
      answer_snapshot();
      break;
    case 8:
      store_chunk();
      break;
    case 9:
      hear_news();
      break;
    case 10:
      lose_snapshot();
      break;
    case 11:
      if (draw_.below(4) == 0)
        restart();
      else
        report_released();
      break;
    default:
      receive();
  }
  settle();
}

void EngineLife::settle() {
  check();
  for (int i = 0; engine_->has_output() && !problem_; ++i) {
    if (i == outputs_max)
      return fail("outputs never end");
    perform(engine_->take_output());
    check();
  }
}

void EngineLife::check() {
  EngineView now = engine_->view();
  if (const auto broken = broken_invariant(before_, now))
    fail(std::string(*broken));
  if (now.quiet && !before_.quiet && now.role == Role::leader)
    check_quiet_leader(now);
  before_ = std::move(now);
}

/// A leader that sends nothing more has nothing left to say.
void EngineLife::check_quiet_leader(const EngineView& now) {
  if (now.commit != now.last.index || now.persisted != now.last.index)
    fail("a leader is quiet and has not committed all");
  for (const auto& [id, follower] : now.followers)
    if (now.configuration.keeps_log(id) && follower.match != now.last.index)
      fail("a leader is quiet and a follower has not got all");
}

/// What its node tells a peer of disks and of others.
void EngineLife::hear_news() {
  const PeerId peer{draw_.below(5)};
  switch (draw_.below(4)) {
    case 0:
      engine_->step(DiskFull{draw_.chance()});
      break;
    case 1:
      engine_->step(Disconnected{peer});
      break;
    default: {
      const bool relies_on_it =
          before_.role == Role::leader ? before_.followers.contains(peer) : before_.leader == peer;
      engine_->step(Silent{peer});
      if (relies_on_it && engine_->view().quiet)
        fail("a quiet peer sleeps on when another that it relies on is silent");
    }
  }
}

void EngineLife::perform(Output output) {
  if (output.messages.size() > messages_max || output.chunks_to_send.size() > messages_max)
    fail("more messages than windows allow");
  for (const Message& message : output.messages)
    if (message.from != self || message.to == self || message.to == nobody)
      fail("a message to nobody");
  if (output.write)
    write(*output.write);
  if (output.install) {
    installed_ = output.install;
    applied_ = reported_ = output.install->place.id.index;
    released_.clear();
  }
  apply(output.committed);
  if (output.take_snapshot) {
    if (taking_)
      fail("two snapshots are taken at once");
    taking_ = output.take_snapshot;
  }
  for (const ReadReady& ready : output.reads)
    if (ready.index > before_.commit)
      fail("a read waits for what is not committed");
  chunks_.insert(chunks_.end(), output.chunks_to_store.begin(), output.chunks_to_store.end());
  if (output.check_snapshot && (!before_.snapshot || draw_.chance()))
    engine_->step(SnapshotLost{.id = output.check_snapshot->id(), .stateless = false});
}

/// What a store requires of each write.
void EngineLife::write(const Write& write) {
  if (write.id != WriteId{last_write_.value + 1})
    fail("writes are not numbered one by one");
  last_write_ = write.id;
  for (const Entry& appended : write.entries)
    if (appended.id.term > write.hard_state.term)
      fail("an entry of a term above the hard state's");
  written_.push_back(write);
}

void EngineLife::apply(const std::vector<Entry>& committed) {
  for (const Entry& next_one : committed) {
    // A peer that lost its state applies all of its log once more.
    if (next_one.id.index == Index{1} && !installed_)
      applied_ = reported_ = {};
    if (next_one.id.index != next(applied_))
      fail("entries are applied out of order");
    applied_ = next_one.id.index;
  }
}

void EngineLife::persist() {
  for (unsigned count = 1 + draw_.below(3); count > 0 && !written_.empty(); --count) {
    const Write write = std::move(written_.front());
    written_.pop_front();
    const EntryId last = disk_.entries.empty() ? disk_.before : disk_.entries.back().id;
    const Index keeps = write.restart         ? write.snapshot->place.id.index
                        : write.truncate_from ? prev(*write.truncate_from)
                                              : last.index;
    if (!write.entries.empty() && write.entries.front().id.index != next(keeps))
      return fail("a write leaves a gap in the log");
    storage::apply(write, disk_);
    engine_->step(Persisted{write.id});
  }
}

/// As clients and operators do.
void EngineLife::ask() {
  switch (draw_.below(5)) {
    case 0: {
      const std::vector<Bytes> payloads(1 + draw_.below(4), Bytes::copy_of("command"));
      if (const auto proposed = engine_->propose(payloads);
          proposed && proposed->term != engine_->term())
        fail("a proposal of another term");
      break;
    }
    case 1:
      (void)engine_->start_read(draw_.chance() ? ReadLevel::lease : ReadLevel::linearizable);
      break;
    case 2:
      (void)engine_->transfer({draw_.below(5)});
      break;
    case 3:
      (void)engine_->take_snapshot();
      break;
    default:
      (void)engine_->bootstrap({.voters = {member(1), member(2), member(3)}}, our_cluster);
  }
}

void EngineLife::change_configuration() {
  (void)engine_->change_configuration(draw_configuration());
}

void EngineLife::answer_snapshot() {
  if (!taking_)
    return;
  const SnapshotPlace place = *std::exchange(taking_, std::nullopt);
  std::optional<SnapshotHead> head;
  if (draw_.below(8) != 0)
    head = SnapshotHead{.place = place, .size_bytes = 100, .hash = 1 + place.id.index.value};
  engine_->step(SnapshotTaken{head});
}

void EngineLife::store_chunk() {
  if (chunks_.empty())
    return;
  const ChunkToStore chunk = std::move(chunks_.front());
  chunks_.pop_front();
  std::uint64_t& upto = received_[chunk.head.hash];
  if (chunk.offset == 0 && upto >= chunk.head.size_bytes)
    upto = 0;
  if (chunk.offset == upto)
    upto += chunk.data.size();
  if (upto > chunk.head.size_bytes)
    return fail("more bytes than the snapshot has");
  const bool corrupt = upto == chunk.head.size_bytes && draw_.below(4) == 0;
  engine_->step(ChunkStored{.id = chunk.head.id(),
                            .offset = chunk.offset,
                            .upto = corrupt ? 0 : upto,
                            .corrupt = corrupt});
  if (corrupt)
    upto = 0;
}

/// The snapshot that was to be installed last cannot be read.
void EngineLife::lose_snapshot() {
  if (installed_)
    engine_->step(
        SnapshotLost{.id = std::exchange(installed_, std::nullopt)->id(), .stateless = true});
}

/// What the resource made of what it applied: a command may make an earlier entry, or itself,
/// matter no more, and each entry is released once.
void EngineLife::report_released() {
  Released report{.from = next(reported_), .upto = applied_, .releases = {}};
  for (Index by = report.from; by <= report.upto; by = next(by)) {
    const Index entry{1 + draw_.byte() % by.value};
    if (draw_.chance() && released_.insert(entry).second)
      report.releases.push_back({.by = by, .entry = entry});
  }
  reported_ = applied_;
  engine_->step(report);
}

}  // namespace troupe::fuzz
