#pragma once

#include "core/engine.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::test {

inline constexpr ClusterId our_cluster{77};
inline constexpr PeerId self{1};

inline Configuration voters(std::initializer_list<std::uint64_t> ids) {
  Configuration configuration;
  for (const std::uint64_t id : ids)
    configuration.voters.push_back({.id = {id}, .name = "p" + std::to_string(id), .address = {}});
  return configuration;
}

inline Entry noop(std::uint64_t term, std::uint64_t index) {
  return {.id = {{term}, {index}}, .kind = EntryKind::noop, .payload = {}};
}
inline Entry command(std::uint64_t term, std::uint64_t index, std::string_view text = "x") {
  return {.id = {{term}, {index}}, .kind = EntryKind::command, .payload = Bytes::copy_of(text)};
}
inline Entry configuration_entry(std::uint64_t term, std::uint64_t index,
                                 const Configuration& configuration) {
  return {.id = {{term}, {index}},
          .kind = EntryKind::configuration,
          .payload = Bytes::copy_of(encode(configuration))};
}

inline EngineOptions options(PeerId peer = self) {
  return {.self = peer, .seed = 42 + peer.value};
}

/// One engine, peer 1, and all that it ever gave out. Its disk is instant, unless it is told
/// not to be; nobody answers but the test.
struct Subject {
  Engine engine;
  Time now{};
  bool instant_disk = true;
  std::vector<Write> writes{};
  std::vector<Message> messages{};
  std::vector<Entry> committed{};
  std::vector<ReadReady> reads{};
  std::vector<SetBack> losses{};
  bool role_changed = false;

  /// Voters 1, 2 and 3; the configuration is entry 1/1, and `more` follows it. It started long
  /// enough ago to vote: what it may have promised before that is over.
  explicit Subject(std::vector<Entry> more = {}, HardState hard_state = {.term = {1}},
                   const Configuration& configuration = voters({1, 2, 3}))
      : engine(options(), recovered(std::move(more), hard_state, configuration),
               -options().election_timeout_min) {
    engine.step(Tick{now});
  }

  static Recovered recovered(std::vector<Entry> more, HardState hard_state,
                             const Configuration& configuration) {
    hard_state.cluster = our_cluster;
    more.insert(more.begin(), configuration_entry(1, 1, configuration));
    return {.hard_state = hard_state, .entries = std::move(more)};
  }

  /// Performs all output.
  void settle() {
    while (engine.has_output()) {
      Output output = engine.take_output();
      messages.insert(messages.end(), output.messages.begin(), output.messages.end());
      committed.insert(committed.end(), output.committed.begin(), output.committed.end());
      reads.insert(reads.end(), output.reads.begin(), output.reads.end());
      losses.insert(losses.end(), output.set_back.begin(), output.set_back.end());
      role_changed = role_changed || output.role_changed;
      if (!output.write)
        continue;
      writes.push_back(*output.write);
      if (instant_disk)
        engine.step(Persisted{output.write->id});
    }
  }

  void step(const Input& input) {
    engine.step(input);
    settle();
  }
  void receive(std::uint64_t from, std::uint64_t term, Body body) {
    step(Message{.cluster = our_cluster,
                 .from = {from},
                 .to = self,
                 .term = {term},
                 .body = std::move(body)});
  }
  void tick(Duration passed) {
    now += passed;
    step(Tick{now});
  }
  void persisted(std::uint64_t write) { step(Persisted{{write}}); }

  Role role() const { return engine.view().role; }
  Term term() const { return engine.view().hard_state.term; }
  Index commit() const { return engine.view().commit; }

  // Ways to a role, all in term 2 (a follower in term 1).
  void become_pre_candidate() {
    now = engine.next_deadline();
    step(Tick{now});
  }
  void become_candidate() {
    become_pre_candidate();
    const std::uint64_t asked = term().value + 1;
    receive(2, asked - 1, PreVoteResponse{.granted = true, .asked = {asked}});
  }
  void become_leader() {
    become_candidate();
    receive(2, term().value, VoteResponse{.granted = true});
  }

  /// The messages of one kind since the last call of `forget`.
  template <class Kind>
  std::vector<Kind> sent() const {
    std::vector<Kind> found;
    for (const Message& message : messages)
      if (const auto* body = std::get_if<Kind>(&message.body))
        found.push_back(*body);
    return found;
  }
  void forget() {
    messages.clear();
    writes.clear();
    reads.clear();
    role_changed = false;
  }
  /// The index that the last append response accepted; nothing if there was none or it rejected.
  std::optional<Index> accepted() const {
    const auto responses = sent<AppendResponse>();
    if (responses.empty())
      return std::nullopt;
    const auto* accepted = std::get_if<Accepted>(&responses.back().verdict);
    return accepted == nullptr ? std::nullopt : std::optional(accepted->matched);
  }
};

}  // namespace troupe::test
