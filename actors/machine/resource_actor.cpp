#include "actors/machine/resource_actor.hpp"

#include "actors/runtime/messages.hpp"
#include "wire/command.hpp"

#include <chrono>
#include <ctime>
#include <utility>

namespace troupe::actors {

namespace {

/// Queries that wait for a load. Further ones are refused as `busy`. Entries are not bounded here:
/// they are those of the log, which is held in memory all the same, and the peer takes no further
/// commands when too many wait.
constexpr std::size_t queries_waiting_max = 65536;

/// What this thread has used. Where others share the processors a short task may take long: to do
/// it elsewhere would not shorten it. Resources wait for nothing.
Duration time_on_processor() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::duration_cast<Duration>(std::chrono::seconds(used.tv_sec)
                                              + std::chrono::nanoseconds(used.tv_nsec));
}

}  // namespace

ResourceActor::ResourceActor(caf::actor_config& config, const machine::Kind& kind)
    : IoActor(config),
      state_(kind.make),
      kind_(kind.name),
      valid_command_(kind.valid_command),
      valid_query_(kind.valid_query) {}

/// A handler that decides, behind each message, where the next ones are handled.
template <class Message, class Handle>
auto ResourceActor::timed(Handle handle) {
  return [this, handle](Message& message) {
    const Duration start = time_on_processor();
    handle(message);
    const auto end = std::chrono::steady_clock::now().time_since_epoch();
    const Time now = std::chrono::duration_cast<Time>(end);
    long_tasks_.note(time_on_processor() - start, now);
    stay_away(mode_ != Mode::ready || saving_.snapshots || long_tasks_.should_stay_away(now));
  };
}

caf::behavior ResourceActor::make_behavior() {
  outlive_errors(this);
  return {
      timed<Apply>([this](Apply& message) { take(std::move(message)); }),
      timed<Ask>([this](Ask& message) {
        if (message.answered > 0)
          --portions_;
        take(std::move(message));
      }),
      timed<AnswersTaken>([this](AnswersTaken& message) { on_answers_taken(message); }),
      timed<Save>([this](Save& message) { take(std::move(message)); }),
      timed<NextPiece>([this](const NextPiece& message) { on_next_piece(message); }),
      timed<Load>([this](const Load& message) { on_load(message); }),
      [this](const StartOver&) { start_over(); },
      timed<PieceRead>([this](PieceRead& read) { on_piece_read(read); }),
      timed<Flush>([this](const Flush&) { catch_up(); }),
      [this](const Stop&) { stop(); },
  };
}

/// Actors that hold each other's handles are never freed.
void ResourceActor::on_exit() {
  waiting_.clear();
  held_.clear();
  saving_ = {};
  loading_ = {};
}

void ResourceActor::take(Task task) {
  if (mode_ == Mode::ready)
    return perform(task);
  if (mode_ == Mode::lost)
    return drop(task);
  if (const auto* ask = std::get_if<Ask>(&task)) {
    if (queries_waiting_ + ask->queries.size() > queries_waiting_max)
      return refuse(*ask);
    queries_waiting_ += ask->queries.size();
  }
  waiting_.push_back(std::move(task));
}

void ResourceActor::perform(Task& task) {
  if (const auto* message = std::get_if<Apply>(&task))
    on_apply(*message);
  else if (auto* question = std::get_if<Ask>(&task))
    on_ask(*question);
  else
    on_save(std::get<Save>(task));
}

void ResourceActor::refuse(const Ask& message) {
  Replies replies;
  for (std::size_t i = message.answered; i < message.queries.size(); ++i)
    replies.to(message.queries[i].connection)
        .push_back({.id = message.queries[i].id,
                    .refusal = Refusal::busy,
                    .detail = {},
                    .index = {},
                    .value = {}});
  send_all(this, replies);
}

void ResourceActor::on_apply(const Apply& message) {
  Applied applied{.from = next(state_.applied()), .upto = state_.applied()};
  for (const Entry& entry : message.entries) {
    applied.upto = entry.id.index;
    if (entry.kind != EntryKind::command) {
      state_.skip(entry.id.index);
      continue;
    }
    machine::Reply reply = apply(entry);
    for (const Index released : reply.released)
      applied.releases.push_back({.by = entry.id.index, .entry = released});
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

/// Behind what was asked before.
void ResourceActor::stop() {
  if (portions_ > 0)
    return actors::send(this, this, Stop{});
  refuse_held();
  end_save("the peer stops");
  quit();
}

}  // namespace troupe::actors
