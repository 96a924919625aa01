#pragma once

#include "actors/messages.hpp"
#include "machine/kind.hpp"
#include "machine/replicated_state.hpp"

namespace troupe::actors {

/// The replicated state of one peer. Its mailbox is the order of things: a query that is sent
/// behind an entry is answered from a state that has applied it.
class ResourceActor : public caf::event_based_actor {
public:
  ResourceActor(caf::actor_config& config, const machine::Kind& kind);

  caf::behavior make_behavior() override;
  const char* name() const override { return "resource"; }

private:
  void on_apply(const Apply& message);
  void on_ask(const Ask& message);
  machine::Reply apply(const Entry& entry);

  machine::ReplicatedState state_;
  bool (*valid_command_)(machine::View);
  bool (*valid_query_)(machine::View);
};

}  // namespace troupe::actors
