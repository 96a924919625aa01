#pragma once

#include "actors/machine/messages.hpp"
#include "actors/runtime/replies.hpp"

#include <list>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actors {

/// Clients whose commands are in our log and not yet answered. One record a batch, in log order:
/// nothing is looked up for an entry.
class CommandWaiters {
public:
  /// `calls[i]` waits for the entry `i` places behind `first`.
  void add(EntryId first, caf::actor connection, std::vector<std::uint64_t> calls,
           Ticket ticket = {});

  bool empty() const { return batches_.empty(); }
  /// Whether someone waits for an entry up to `index`.
  bool any_upto(Index index) const;

  /// Answers all that wait for an entry up to `applied.upto`. Where another entry came to stand in
  /// the place of theirs the command never happened: they are told to ask `leader`.
  void answer(Applied& applied, const std::string& leader, Replies& replies);

  /// Refuses all that wait for an entry behind `upto` of another term than `term`.
  void lose(Index upto, Term term, Refusal refusal, Replies& replies);
  /// Refuses all.
  void lose_all(Refusal refusal, Replies& replies);

private:
  struct Batch {
    EntryId first{};  ///< What `calls[0]` waits for.
    caf::actor connection{};
    std::size_t answered = 0;  ///< Of the calls, from the front.
    std::vector<std::uint64_t> calls{};
    Ticket ticket{};

    bool done() const { return answered == calls.size(); }
    EntryId at(std::size_t i) const { return {first.term, {first.index.value + i}}; }
    EntryId next() const { return at(answered); }
    EntryId last() const { return at(calls.size() - 1); }
  };

  std::list<Batch> batches_{};
};

/// Adds the queries of `calls` to what a resource is asked.
void append_queries(const caf::actor& connection, std::vector<wire::Call> calls, Ticket ticket,
                    Ask& to);

/// Queries that wait for a quorum to confirm that we still lead.
class ReadWaiters {
public:
  void add(ReadId id, caf::actor connection, std::vector<wire::Call> calls, Ticket ticket = {});

  bool empty() const { return batches_.empty(); }
  /// How many ids wait.
  std::size_t rounds() const { return rounds_; }

  /// The queries of all reads up to `upto`.
  Ask take(ReadId upto);

  void lose_all(Refusal refusal, const std::string& detail, Replies& replies);

private:
  struct Batch {
    ReadId id{};
    caf::actor connection{};
    std::vector<wire::Call> calls{};
    Ticket ticket{};
  };

  std::list<Batch> batches_{};
  std::size_t rounds_ = 0;
};

}  // namespace troupe::actors
