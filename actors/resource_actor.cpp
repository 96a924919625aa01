#include "actors/resource_actor.hpp"

#include "actors/replies.hpp"
#include "wire/command.hpp"

#include <utility>

namespace troupe::actors {

ResourceActor::ResourceActor(caf::actor_config& config, const machine::Kind& kind)
    : caf::event_based_actor(config),
      state_(kind.make),
      valid_command_(kind.valid_command),
      valid_query_(kind.valid_query) {}

caf::behavior ResourceActor::make_behavior() {
  outlive_errors(this);
  return {
      [this](const Apply& message) { on_apply(message); },
      [this](const Ask& message) { on_ask(message); },
      [this](const Stop&) { quit(); },
  };
}

void ResourceActor::on_apply(const Apply& message) {
  Applied applied{.upto = state_.applied(), .outcomes = {}};
  for (const Entry& entry : message.entries) {
    applied.upto = entry.id.index;
    if (entry.kind != EntryKind::command) {
      state_.skip(entry.id.index);
      continue;
    }
    machine::Reply reply = apply(entry);
    if (message.with_outcomes)
      applied.outcomes.push_back({entry.id, std::move(reply)});
  }
  actors::send(this, message.reply_to, std::move(applied));
}

/// Peers check commands before they propose them. One that makes no sense all the same (its
/// proposer knew another version of the kind) is in everyone's log: each replica refuses it alike.
machine::Reply ResourceActor::apply(const Entry& entry) {
  const auto command = wire::read_command(entry.payload);
  if (!command || !valid_command_(command->payload)) {
    state_.skip(entry.id.index);
    return machine::Reply::refused("invalid_command");
  }
  return state_.apply({entry.id.index, command->payload});
}

void ResourceActor::on_ask(const Ask& message) {
  Replies replies;
  for (const Ask::Query& query : message.queries) {
    const Index index = state_.applied();
    auto& answers = replies.to(query.connection);
    if (valid_query_(query.question.span()))
      answers.push_back(call_reply(query.id, state_.query(query.question.span()), index));
    else
      answers.push_back({.id = query.id,
                         .refusal = Refusal::invalid,
                         .detail = "query",
                         .index = index,
                         .value = {}});
  }
  send_all(this, replies);
}

}  // namespace troupe::actors
