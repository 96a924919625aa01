#include "test/sim/checker.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

// A checker that never fails shows nothing: each rule here meets a cluster that breaks it, and one
// that does not.

namespace troupe::sim {

namespace {

Entry noop(std::uint64_t term, std::uint64_t index) {
  return {.id = {{term}, {index}}, .kind = EntryKind::noop, .payload = {}};
}
Entry command(std::uint64_t term, std::uint64_t index, const char* text) {
  return {.id = {{term}, {index}}, .kind = EntryKind::command, .payload = Bytes::copy_of(text)};
}
Log log_of(const std::vector<Entry>& entries) {
  Log log;
  for (const Entry& entry : entries)
    log.append(entry);
  return log;
}

Configuration set_of(std::initializer_list<std::uint64_t> ids) {
  Configuration configuration;
  for (const std::uint64_t id : ids)
    configuration.voters.push_back({.id = {id}});
  return configuration;
}
Configuration joint_of(std::initializer_list<std::uint64_t> to,
                       std::initializer_list<std::uint64_t> from) {
  return {.voters = set_of(to).voters, .old_voters = set_of(from).voters, .learners = {}};
}
Entry place(const Configuration& configuration, std::uint64_t term, std::uint64_t index) {
  return {.id = {{term}, {index}},
          .kind = EntryKind::configuration,
          .payload = Bytes::copy_of(encode(configuration))};
}

/// Three peers as the checker sees them. Each step tells it something; most leave it content.
struct Watch {
  Marks marks{};
  Checker checker{marks};
  std::map<PeerId, EngineView> views{};
  std::map<PeerId, std::uint64_t> writes{};

  Watch() {
    for (std::uint64_t id = 1; id <= 3; ++id) {
      EngineView view{.self = {id}};
      for (std::uint64_t voter = 1; voter <= 3; ++voter)
        view.configuration.voters.push_back({.id = {voter}});
      views[{id}] = view;
      checker.started({id}, view, {});
    }
  }

  std::string violation() const { return checker.violation().value_or(""); }
  bool says(const char* part) const { return violation().find(part) != std::string::npos; }

  /// The peer's engine is as its view was changed to be.
  template <class Change>
  void step(std::uint64_t id, const std::vector<Entry>& log, Change change) {
    EngineView now = views[{id}];
    now.last = log.empty() ? EntryId{} : log.back().id;
    change(now);
    checker.stepped(views[{id}], now, log_of(log));
    views[{id}] = now;
  }
  void lead(std::uint64_t id, std::uint64_t term, const std::vector<Entry>& log) {
    step(id, log, [&](EngineView& view) {
      view.role = Role::leader;
      view.leader = {id};
      view.hard_state = {.term = {term}, .voted_for = {id}, .cluster = {1}};
    });
  }
  void follow(std::uint64_t id, std::uint64_t term, const std::vector<Entry>& log) {
    step(id, log, [&](EngineView& view) {
      view.role = Role::follower;
      view.leader = nobody;
      view.hard_state = {.term = {term}, .voted_for = {}, .cluster = {1}};
    });
  }
  void commit(std::uint64_t id, const std::vector<Entry>& log, std::uint64_t index) {
    step(id, log, [&](EngineView& view) { view.commit = {index}; });
  }
  Write writing(std::uint64_t id, std::uint64_t term, const std::vector<Entry>& entries,
                std::uint64_t voted_for = 0) {
    return {.id = {++writes[{id}]},
            .hard_state = {.term = {term}, .voted_for = {voted_for}, .cluster = {1}},
            .truncate_from = {},
            .entries = entries};
  }
  /// Handed out and durable.
  void write(std::uint64_t id, std::uint64_t term, const std::vector<Entry>& entries,
             const std::vector<Entry>& log, std::uint64_t voted_for = 0) {
    const Write write = writing(id, term, entries, voted_for);
    checker.handed({id}, write, log_of(log));
    checker.durable({id}, write);
  }
  void write(std::uint64_t id, std::uint64_t term, const std::vector<Entry>& log) {
    write(id, term, log, log);
  }
  /// Leader 1 has these configurations behind all else, and the last is in force.
  const Watch& told_of(const std::vector<Configuration>& configurations) {
    std::vector<Entry> log = {noop(1, 1), command(1, 2, "a")};
    for (const Configuration& configuration : configurations)
      log.push_back(place(configuration, 1, log.size() + 1));
    step(1, log, [&](EngineView& view) {
      view.configuration = configurations.back();
      view.configuration_index = log.back().id.index;
    });
    return *this;
  }
  void send(std::uint64_t from, std::uint64_t to, std::uint64_t term, Body body) {
    checker.sent({.cluster = {1}, .from = {from}, .to = {to}, .term = {term}, .body = body});
  }
};

const std::vector<Entry> one = {noop(1, 1)};
const std::vector<Entry> two = {noop(1, 1), command(1, 2, "a")};

/// Peer 1 leads term 1 and has committed "a" at 2 with peer 2.
Watch committed_two() {
  Watch watch;
  watch.write(1, 1, two, two, 1);
  watch.write(2, 1, two);
  watch.checker.proposed("a");
  watch.lead(1, 1, two);
  watch.commit(1, two, 2);
  return watch;
}

}  // namespace

TEST_CASE(
    "a checker is content with an election, a commit and an answer that are as they should be") {
  Watch watch = committed_two();

  watch.checker.acknowledged("a", {{1}, {2}});
  watch.follow(2, 1, two);
  watch.commit(2, two, 2);
  watch.checker.read_answered({2}, {2}, watch.checker.state_at({2}));
  watch.checker.finished();

  CHECK(watch.violation() == "");
}

TEST_CASE("a checker sees two leaders of one term") {
  Watch watch;
  watch.lead(1, 1, one);
  watch.lead(2, 1, one);
  CHECK(watch.says("has a leader already"));
}

TEST_CASE("a checker sees one peer elected twice in a term, with a crash in between") {
  Watch watch;
  watch.lead(1, 1, {});
  watch.checker.crashed({1});
  watch.views[{1}] = {.self = {1}};
  watch.checker.started({1}, watch.views[{1}], {});
  watch.lead(1, 1, {});
  CHECK(watch.says("has a leader already"));
}

TEST_CASE("a checker sees a leader that lacks what was committed in a lower term") {
  Watch watch = committed_two();
  watch.lead(3, 2, {noop(1, 1), noop(2, 2)});
  CHECK(watch.says("was elected in term 2 without 1/2"));
}

TEST_CASE("a checker lets a leader of a lower term lack what a higher term committed") {
  Watch watch;
  const std::vector<Entry> log = {noop(5, 1)};
  watch.write(1, 5, log);
  watch.write(2, 5, log);
  watch.lead(1, 5, log);
  watch.commit(1, log, 1);
  watch.lead(3, 4, {});
  CHECK(watch.violation() == "");
}

TEST_CASE("a checker sees a later leader that lacks what an old leader learns to be committed") {
  Watch watch;
  watch.write(1, 1, two, two, 1);
  watch.write(2, 1, two);
  watch.lead(1, 1, two);
  watch.lead(3, 2, {noop(1, 1)});
  watch.commit(1, two, 2);
  CHECK(watch.says("which the leader of term 2 does not hold"));
}

TEST_CASE("a checker sees a commit that is not durable on a quorum") {
  Watch watch;
  watch.write(1, 1, two, two, 1);
  const Write handed = watch.writing(2, 1, two);
  watch.checker.handed({2}, handed, log_of(two));  // And not durable.
  watch.lead(1, 1, two);
  watch.commit(1, two, 2);
  CHECK(watch.says("not durable on a quorum"));
}

TEST_CASE(
    "a checker sees a commit that is durable on a quorum of one half of a joint configuration") {
  Watch watch;
  watch.write(1, 1, two, two, 1);
  watch.write(2, 1, two);
  watch.lead(1, 1, two);
  watch.step(1, two, [](EngineView& view) {
    view.configuration.old_voters = {{.id = {3}}, {.id = {1}}};
  });
  watch.commit(1, two, 2);
  CHECK(watch.says("not durable on a quorum"));
}

TEST_CASE("a checker sees an entry of an older term that is committed by counting (§3.6.2)") {
  Watch watch;
  watch.write(1, 2, two, two, 1);
  watch.write(2, 2, two);
  watch.lead(1, 2, two);
  watch.commit(1, two, 2);
  CHECK(watch.says("by counting"));
}

TEST_CASE("a checker sees another entry committed in the place of one") {
  Watch watch = committed_two();
  const std::vector<Entry> other = {noop(1, 1), noop(2, 2)};
  // A new leader that should never have been, and a quorum that should never have followed.
  watch.checker.crashed({3});
  EngineView view = watch.views[{3}];
  watch.checker.started({3}, view, {});
  watch.write(3, 2, other, other, 3);
  watch.follow(3, 2, other);
  watch.commit(3, other, 2);
  CHECK(watch.says("counts 2/2 as committed where 1/2 was"));
}

TEST_CASE("a checker sees a follower that counts as committed what no leader has committed") {
  Watch watch;
  watch.write(2, 1, two);
  watch.follow(2, 1, two);
  watch.commit(2, two, 1);
  CHECK(watch.says("which no leader has committed"));
}

TEST_CASE("a checker sees an engine that breaks a rule by itself") {
  Watch watch = committed_two();
  watch.commit(1, two, 1);
  CHECK(watch.says("what is committed stays committed"));
}

TEST_CASE("a checker sees two entries of one id") {
  Watch watch;
  watch.write(1, 1, {command(1, 1, "a")});
  watch.write(2, 1, {command(1, 1, "b")});
  CHECK(watch.says("has another 1/1"));
}

TEST_CASE("a checker sees two logs that agree in an entry and not before it") {
  Watch watch;
  watch.write(1, 2, {noop(1, 1), noop(2, 2)});
  watch.write(2, 2, {noop(2, 1), noop(2, 2)});
  CHECK(watch.says("another log before it"));
}

TEST_CASE("a checker sees gaps, terms that fall and writes out of order") {
  Watch gap;
  gap.write(1, 1, {noop(1, 2)}, {});
  CHECK(gap.says("where its log ends at 0"));

  Watch falling;
  falling.write(1, 2, {noop(2, 1), noop(1, 2)}, {});
  CHECK(falling.says("writes 1/2 behind 2/1"));

  Watch order;
  order.writes[{1}] = 1;
  order.write(1, 1, one);
  CHECK(order.says("hands out write 2 after 0"));

  Watch incomplete;
  incomplete.write(1, 1, one, two);
  CHECK(incomplete.says("hands out a log that ends at 1/1"));
}

TEST_CASE("a checker sees a second vote of a term on disk, and terms that go back") {
  Watch second;
  second.write(1, 3, {}, {}, 2);
  second.write(1, 3, {}, {}, 3);
  CHECK(second.says("changes its vote"));

  Watch back;
  back.write(1, 3, {}, {});
  back.write(1, 2, {}, {});
  CHECK(back.says("older term durable"));
}

TEST_CASE("a checker sees a peer that starts from something else than its disk") {
  Watch hard_state;
  hard_state.write(1, 3, {}, {}, 2);
  hard_state.checker.crashed({1});
  hard_state.checker.started({1}, {.self = {1}}, {});
  CHECK(hard_state.says("another hard state"));

  Watch log;
  log.write(1, 1, two);
  log.checker.crashed({1});
  EngineView view{.self = {1}, .hard_state = {.term = {1}, .voted_for = {}, .cluster = {1}}};
  view.last = one.back().id;
  log.checker.started({1}, view, log_of(one));
  CHECK(log.says("another log"));
}

TEST_CASE("a checker sees votes and requests for votes that are not durable") {
  Watch vote;
  vote.send(1, 2, 3, VoteResponse{.granted = true});
  CHECK(vote.says("sends a vote that is not durable"));

  Watch request;
  request.send(1, 2, 3, VoteRequest{});
  CHECK(request.says("before its own is durable"));

  Watch fine;
  fine.write(1, 3, {}, {}, 2);
  fine.send(1, 2, 3, VoteResponse{.granted = true});
  fine.send(1, 3, 3, VoteResponse{.granted = false});
  fine.write(2, 3, {}, {}, 2);
  fine.send(2, 1, 3, VoteRequest{});
  CHECK(fine.violation() == "");
}

TEST_CASE("a checker sees a second vote of a term on the wire") {
  Watch watch;
  watch.write(1, 3, {}, {}, 2);
  watch.send(1, 2, 3, VoteResponse{.granted = true});
  watch.write(1, 4, {}, {}, 3);
  watch.send(1, 3, 3, VoteResponse{.granted = true});  // In the old term, to another.
  CHECK(watch.says("votes a second time"));
}

TEST_CASE("a checker sees a vote for a candidate with a worse log (§3.6.1)") {
  const auto vote_of = [](Watch& watch, const std::vector<Entry>& log) {
    watch.write(2, 3, {}, {}, 2);
    watch.send(2, 1, 3, VoteRequest{.last = {{1}, {1}}});
    watch.step(1, log, [](EngineView& view) {
      view.hard_state = {.term = {3}, .voted_for = {2}, .cluster = {1}};
    });
  };
  Watch worse;
  vote_of(worse, two);
  CHECK(worse.says("votes for one whose log ends at 1/1"));

  Watch as_good;
  vote_of(as_good, one);
  CHECK(as_good.violation() == "");
}

TEST_CASE("a checker sees an acceptance of what is not durable, or is not the leader's") {
  Watch lost;
  lost.send(2, 1, 1, AppendResponse{.verdict = Accepted{{1}}});
  CHECK(lost.says("accepts what is not durable"));

  Watch other;
  other.write(1, 2, {noop(1, 1), noop(2, 2)});
  other.lead(1, 2, {noop(1, 1), noop(2, 2)});
  other.write(2, 2, two);
  other.send(2, 1, 2, AppendResponse{.verdict = Accepted{{2}}});
  CHECK(other.says("accepts what its leader does not have"));
}

TEST_CASE("a checker sees a leader that believes in a match that is not there") {
  Watch watch;
  watch.write(1, 1, two);
  watch.lead(1, 1, two);
  watch.step(1, two, [](EngineView& view) { view.followers[{2}] = {.match = {2}, .next = {3}}; });
  CHECK(watch.says("believes that peer 2 holds index 2"));
}

TEST_CASE(
    "a checker lets a leader believe what was true before the follower went to a later term") {
  Watch watch;
  watch.write(1, 1, two);
  watch.lead(1, 1, two);
  watch.follow(2, 2, {});
  watch.step(1, two, [](EngineView& view) { view.followers[{2}] = {.match = {2}, .next = {3}}; });
  CHECK(watch.violation() == "");
}

TEST_CASE("a checker sees append requests of who does not lead, and commits that never were") {
  Watch usurper;
  usurper.send(1, 2, 1, AppendRequest{});
  CHECK(usurper.says("speaks as leader"));

  Watch liar = committed_two();
  liar.send(1, 2, 1, AppendRequest{.previous = {{1}, {2}}, .commit = {3}});
  CHECK(liar.says("a commit that never was"));

  Watch hole = committed_two();
  hole.send(1, 2, 1, AppendRequest{.previous = {{1}, {1}}, .entries = {noop(1, 3)}});
  CHECK(hole.says("entries with a gap"));
}

TEST_CASE("a checker sees a state that is applied wrongly") {
  Watch watch = committed_two();
  State state;
  state.apply(two[0]);
  watch.checker.applied({2}, two[0], state);
  CHECK(watch.violation() == "");
  state.digest += 1;
  watch.checker.applied({2}, two[0], state);
  CHECK(watch.says("comes to another state"));

  Watch early = committed_two();
  early.checker.applied({2}, noop(1, 3), {});
  CHECK(early.says("which no leader has committed"));
}

TEST_CASE("a checker sees promises to clients that are not kept") {
  Watch phantom = committed_two();
  phantom.checker.proposed("b");
  phantom.checker.acknowledged("b", {{1}, {2}});
  CHECK(phantom.says("and it did not"));

  Watch denied = committed_two();
  denied.checker.denied("a");
  CHECK(denied.says("it did at index 2"));

  Watch later;
  later.checker.proposed("a");
  later.checker.denied("a");
  later.write(1, 1, two, two, 1);
  later.write(2, 1, two);
  later.lead(1, 1, two);
  later.commit(1, two, 2);
  CHECK(later.says("commits a command that was denied"));
}

TEST_CASE("a checker sees a command that is committed twice") {
  Watch watch = committed_two();
  std::vector<Entry> three = two;
  three.push_back(command(1, 3, "a"));
  watch.write(1, 1, {three[2]}, three, 1);
  watch.write(2, 1, {three[2]}, three);
  watch.commit(1, three, 3);
  CHECK(watch.says("commits a command twice"));
}

TEST_CASE("a checker sees a read that is stale, or answered from a state that never was") {
  Watch stale = committed_two();
  stale.checker.read_answered(stale.checker.read_floor(), {1}, stale.checker.state_at({1}));
  CHECK(stale.says("is answered from index 1"));

  Watch wrong = committed_two();
  wrong.checker.read_answered({0}, {2}, State{});
  CHECK(wrong.says("a state that never was"));
}

TEST_CASE("a checker is content with a change by way of a joint configuration") {
  Watch watch = committed_two();
  std::vector<Entry> log = two;
  const auto append = [&](const Configuration& configuration) {
    log.push_back(place(configuration, 1, log.size() + 1));
    watch.step(1, log, [&](EngineView& view) {
      view.configuration = configuration;
      view.configuration_index = log.back().id.index;
    });
    watch.write(1, 1, {log.back()}, log, 1);
    watch.write(2, 1, {log.back()}, log);
    watch.commit(1, log, log.size());
  };

  append(set_of({1, 2, 3}));
  append(joint_of({1, 2}, {1, 2, 3}));
  append(set_of({1, 2}));

  CHECK(watch.violation() == "");
  CHECK(watch.marks.count(Mark::joint_entered) == 1);
}

TEST_CASE("a checker sees voters that change without a joint configuration") {
  Watch watch = committed_two();
  CHECK(watch.told_of({set_of({1, 2, 3}), set_of({1, 2})}).says("goes from"));
  Watch other = committed_two();
  CHECK(other.told_of({joint_of({1, 2}, {1, 2, 3}), set_of({1, 3})}).says("goes from"));
}

TEST_CASE("a checker sees a configuration that is proposed before the last one is committed") {
  Watch watch = committed_two();
  CHECK(watch.told_of({set_of({1, 2, 3}), set_of({1, 2, 3})}).says("before the last one"));
}

TEST_CASE("a checker sees a configuration that is proposed before an entry of its own term") {
  Watch watch = committed_two();
  std::vector<Entry> log = two;
  log.push_back(noop(2, 3));
  watch.lead(2, 2, log);
  CHECK(watch.violation() == "");
  log.push_back(place(set_of({1, 2, 3}), 2, 4));
  watch.lead(2, 2, log);
  CHECK(watch.says("before it has committed in its term"));
}

TEST_CASE("a checker sees a follower that holds two configurations, neither of them committed") {
  Watch watch = committed_two();
  std::vector<Entry> log = two;
  log.push_back(place(set_of({1, 2, 3}), 1, 3));
  log.push_back(place(set_of({1, 2, 3}), 1, 4));
  watch.step(3, log, [](EngineView& view) {
    view.hard_state.term = {1};
    view.configuration = set_of({1, 2, 3});
    view.configuration_index = {4};
  });
  CHECK(watch.says("two configurations that are not committed"));
}

TEST_CASE("a checker sees a peer that goes by another configuration than its log's last") {
  Watch watch = committed_two();
  std::vector<Entry> log = two;
  log.push_back(place(joint_of({1, 2}, {1, 2, 3}), 1, 3));
  watch.step(3, log, [](EngineView& view) { view.hard_state.term = {1}; });
  CHECK(watch.says("goes by"));
}

}  // namespace troupe::sim
