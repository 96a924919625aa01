#include "actors/peer/peer_waiters.hpp"

#include <algorithm>

namespace troupe::actors {
namespace {

wire::CallReply refusal_of(std::uint64_t call, Refusal refusal, std::string detail) {
  return {.id = call, .refusal = refusal, .detail = std::move(detail), .index = {}, .value = {}};
}

}  // namespace

void CommandWaiters::add(EntryId first, caf::actor connection, std::vector<std::uint64_t> calls,
                         Ticket ticket) {
  batches_.push_back({.first = first,
                      .connection = std::move(connection),
                      .answered = 0,
                      .calls = std::move(calls),
                      .ticket = std::move(ticket)});
}

bool CommandWaiters::any_upto(Index index) const {
  return !batches_.empty() && batches_.front().next().index <= index;
}

void CommandWaiters::answer(Applied& applied, const std::string& leader, Replies& replies) {
  auto outcome = applied.outcomes.begin();
  const auto end = applied.outcomes.end();
  while (any_upto(applied.upto)) {
    Batch& batch = batches_.front();
    std::vector<wire::CallReply>& answers = replies.to(batch.connection);
    while (!batch.done() && batch.next().index <= applied.upto) {
      const std::uint64_t call = batch.calls[batch.answered];
      const EntryId id = batch.next();
      ++batch.answered;
      while (outcome != end && outcome->id.index < id.index)
        ++outcome;
      if (outcome != end && outcome->id == id)
        answers.push_back(call_reply(call, std::move(outcome->reply), id.index, batch.ticket));
      else
        answers.push_back(refusal_of(call, Refusal::redirect, leader));
    }
    if (batch.done())
      batches_.pop_front();
  }
}

void CommandWaiters::lose(Index upto, Term term, Refusal refusal, Replies& replies) {
  for (Batch& batch : batches_) {
    if (batch.first.term == term)
      continue;
    std::vector<wire::CallReply>& answers = replies.to(batch.connection);
    while (!batch.done() && batch.last().index > upto) {
      answers.push_back(refusal_of(batch.calls.back(), refusal, {}));
      batch.calls.pop_back();
    }
  }
  std::erase_if(batches_, [](const Batch& batch) { return batch.done(); });
}

void CommandWaiters::lose_all(Refusal refusal, Replies& replies) {
  for (const Batch& batch : std::exchange(batches_, {})) {
    std::vector<wire::CallReply>& answers = replies.to(batch.connection);
    for (std::size_t i = batch.answered; i < batch.calls.size(); ++i)
      answers.push_back(refusal_of(batch.calls[i], refusal, {}));
  }
}

void append_queries(const caf::actor& connection, std::vector<wire::Call> calls, Ticket ticket,
                    Ask& to) {
  for (wire::Call& call : calls)
    to.queries.push_back({.connection = connection,
                          .id = call.id,
                          .question = std::move(call.payload),
                          .ticket = to.tickets.size()});
  to.tickets.push_back(std::move(ticket));
}

void ReadWaiters::add(ReadId id, caf::actor connection, std::vector<wire::Call> calls,
                      Ticket ticket) {
  if (batches_.empty() || batches_.back().id != id)
    ++rounds_;
  batches_.push_back({.id = id,
                      .connection = std::move(connection),
                      .calls = std::move(calls),
                      .ticket = std::move(ticket)});
}

Ask ReadWaiters::take(ReadId upto) {
  Ask ask;
  while (!batches_.empty() && batches_.front().id <= upto) {
    Batch& batch = batches_.front();
    append_queries(batch.connection, std::move(batch.calls), std::move(batch.ticket), ask);
    const ReadId id = batch.id;
    batches_.pop_front();
    if (batches_.empty() || batches_.front().id != id)
      --rounds_;
  }
  return ask;
}

void ReadWaiters::lose_all(Refusal refusal, const std::string& detail, Replies& replies) {
  rounds_ = 0;
  for (const Batch& batch : std::exchange(batches_, {}))
    replies.refuse(batch.connection, batch.calls, refusal, detail);
}

}  // namespace troupe::actors
