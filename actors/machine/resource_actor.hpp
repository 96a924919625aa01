#pragma once

#include "actors/disk/messages.hpp"
#include "actors/machine/messages.hpp"
#include "actors/runtime/io_actor.hpp"
#include "actors/runtime/long_tasks.hpp"
#include "actors/runtime/replies.hpp"
#include "machine/kind.hpp"
#include "machine/replicated_state.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <variant>

namespace troupe::actors {

/// The replicated state of one peer. Its mailbox is the order of things: a query that is sent
/// behind an entry is answered from a state that has applied it, and a snapshot holds what was sent
/// before it was asked for.
///
/// States are saved and loaded piece by piece. Entries go on to be applied between the pieces of a
/// save; between those of a load nothing else happens, and what comes meanwhile waits in its order.
///
/// Lives where its peer does, for as long as its tasks are short: what passes between the two costs
/// no change of threads then. Saves, loads and a resource that takes its time are for the workers
/// of the scheduler.
class ResourceActor : public IoActor {
public:
  ResourceActor(caf::actor_config& config, const machine::Kind& kind);

  caf::behavior make_behavior() override;
  const char* name() const override { return "resource"; }
  void on_exit() override;

private:
  using Task = std::variant<Apply, Ask, Save>;
  class Portion;
  enum class Mode : std::uint8_t {
    ready,
    loading,      ///< Tasks wait.
    catching_up,  ///< Loaded; tasks that came meanwhile are done one by one, the others behind
                  ///< them.
    lost,         ///< The load failed: entries mean nothing here until the next.
  };

  // resource_actor.cpp: entries and queries.
  template <class Message, class Handle>
  auto timed(Handle handle);
  void take(Task task);
  void perform(Task& task);
  void on_apply(const Apply& message);
  void stop();
  machine::Reply apply(const Entry& entry);
  void refuse(const Ask& message);

  // resource_answers.cpp: queries, and those that are held until their connection has taken the
  // answers before them.
  void on_ask(Ask& message);
  void on_answers_taken(const AnswersTaken& message);
  bool answer_some(Ask& held, Portion& portion);
  std::size_t answer(const Ask& message, const Ask::Query& query, Replies& replies);
  bool must_hold(const Ask::Query& query, const Ticket& ticket) const;
  void hold(const Ask& message, Ask::Query& query, const Ticket& ticket);
  void ask_to_go_on(caf::actor_id connection, const Ticket& ticket);
  void refuse_held();

  // resource_snapshots.cpp
  void on_save(const Save& message);
  void on_next_piece(const NextPiece& message);
  void end_save(const std::string& why);
  void on_load(const Load& message);
  void start_over();
  void on_piece_read(PieceRead& read);
  void read_piece(std::uint64_t offset);
  void end_load(std::optional<storage::StoreError> failure);
  void drop(const Task& task);
  void catch_up();

  machine::ReplicatedState state_;
  std::string kind_;
  bool (*valid_command_)(machine::View);
  bool (*valid_query_)(machine::View);

  LongTasks long_tasks_{};
  Mode mode_ = Mode::ready;
  std::list<Task> waiting_{};
  std::size_t queries_waiting_ = 0;
  std::size_t portions_ = 0;  ///< Questions of which a part is answered, in our own mailbox.
  /// Queries that are held, by the id of their connection. Those of one frame stand in one `Ask`.
  std::map<caf::actor_id, std::list<Ask>> held_{};
  std::uint64_t save_ = 0;  ///< The number of the last.
  Save saving_{};           ///< What asked for it, while it is under way.
  std::uint64_t load_ = 0;
  Load loading_{};
};

}  // namespace troupe::actors
