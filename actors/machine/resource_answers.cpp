#include "actors/machine/messages.hpp"
#include "actors/machine/resource_actor.hpp"

#include <utility>

namespace troupe::actors {

namespace {

/// Bytes and number of the answers that are made in one turn.
constexpr std::size_t portion_bytes_max = std::size_t{4} << 20;
constexpr std::size_t portion_queries_max = 1024;

const Ticket& ticket_of(const Ask& message, const Ask::Query& query) {
  static const Ticket none{};
  return query.ticket < message.tickets.size() ? message.tickets[query.ticket] : none;
}

bool is_answered(const Ask& message) {
  return message.answered == message.queries.size();
}

}  // namespace

/// How much of a turn is used.
class ResourceActor::Portion {
public:
  bool is_full() const { return count_ >= portion_queries_max || bytes_ >= portion_bytes_max; }
  void add(std::size_t value_bytes) {
    bytes_ += value_bytes;
    ++count_;
  }

private:
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
};

/// One portion of the answers. The rest comes behind all that is in the mailbox by now: a small
/// question may have a large answer, and others on this thread must get their say in between.
void ResourceActor::on_ask(Ask& message) {
  Replies replies(message.cluster, message.leader);
  for (Portion portion; !is_answered(message) && !portion.is_full(); ++message.answered) {
    Ask::Query& query = message.queries[message.answered];
    const Ticket& ticket = ticket_of(message, query);
    if (must_hold(query, ticket)) {
      hold(message, query, ticket);
      portion.add(0);
    } else {
      portion.add(answer(message, query, replies));
    }
  }
  send_all(this, replies);
  if (is_answered(message))
    return;
  ++portions_;
  actors::send(this, this, std::move(message));
}

/// Appends to `replies`, and answers the size of the value.
std::size_t ResourceActor::answer(const Ask& message, const Ask::Query& query, Replies& replies) {
  const Ticket& ticket = ticket_of(message, query);
  if (ticket && ticket->is_over())
    return 0;
  const Index index = state_.applied();
  auto& answers = replies.to(query.connection);
  const auto refuse = [&](Refusal refusal, const std::string& detail) {
    answers.push_back(
        {.id = query.id, .refusal = refusal, .detail = detail, .index = index, .value = {}});
  };
  if (ticket && !ticket->has_room())
    refuse(Refusal::busy, "");
  else if (!valid_query_(query.question.span()))
    refuse(Refusal::invalid, "not a query of a " + kind_);
  else
    answers.push_back(call_reply(query.id, state_.query(query.question.span()), index, ticket));
  return answers.back().value.size();
}

/// The queries of a connection keep their order.
bool ResourceActor::must_hold(const Ask::Query& query, const Ticket& ticket) const {
  return ticket
         && (ticket->has_answers_enough()
             || (!held_.empty() && held_.contains(query.connection.id())));
}

/// A later state answers as well: it holds all that the query must see.
void ResourceActor::hold(const Ask& message, Ask::Query& query, const Ticket& ticket) {
  const caf::actor_id connection = query.connection.id();
  std::list<Ask>& held = held_[connection];
  const bool is_first = held.empty();
  if (is_first || held.back().tickets.front() != ticket)
    held.push_back({.queries = {},
                    .tickets = {ticket},
                    .answered = 0,
                    .cluster = message.cluster,
                    .leader = message.leader});
  held.back().queries.push_back(std::move(query));
  held.back().queries.back().ticket = 0;
  if (is_first)
    ask_to_go_on(connection, ticket);
}

void ResourceActor::ask_to_go_on(caf::actor_id connection, const Ticket& ticket) {
  ticket->when_answers_taken([us = caf::actor_cast<caf::weak_actor_ptr>(this), connection] {
    if (const auto resource = caf::actor_cast<caf::actor>(us))
      send_from_outside(resource, AnswersTaken{connection});
  });
}

/// A portion, as above, but for one connection.
void ResourceActor::on_answers_taken(const AnswersTaken& message) {
  const auto found = held_.find(message.connection);
  if (found == held_.end())
    return;
  std::list<Ask>& held = found->second;
  Portion portion;
  while (!held.empty() && answer_some(held.front(), portion))
    held.pop_front();
  if (held.empty())
    held_.erase(found);
  else if (portion.is_full())
    actors::send(this, this, AnswersTaken{message});
  else
    ask_to_go_on(message.connection, held.front().tickets.front());
}

/// Whether that was all of it.
bool ResourceActor::answer_some(Ask& held, Portion& portion) {
  Replies replies(held.cluster, held.leader);
  const Ticket& ticket = held.tickets.front();
  for (; !is_answered(held) && !portion.is_full() && !ticket->has_answers_enough(); ++held.answered)
    portion.add(answer(held, held.queries[held.answered], replies));
  send_all(this, replies);
  return is_answered(held);
}

void ResourceActor::refuse_held() {
  for (const auto& [connection, held] : std::exchange(held_, {}))
    for (const Ask& message : held)
      refuse(message);
}

}  // namespace troupe::actors
