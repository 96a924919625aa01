#include "machine/replicated_state.hpp"

#include "core/assert.hpp"

#include <new>
#include <utility>

namespace troupe::machine {

namespace {

/// What every replica records of a resource that threw.
Reply failed() {
  return Reply::refused("resource_failed");
}

/// A refusal has no value, whatever a resource put beside its word.
Reply tidied(Reply reply) {
  if (!reply.error.empty())
    reply.value.clear();
  return reply;
}

}  // namespace

ReplicatedState::ReplicatedState(std::unique_ptr<Resource> resource)
    : resource_(std::move(resource)) {
  TROUPE_ASSERT(resource_ != nullptr);
}

Reply ReplicatedState::apply(const Command& command) {
  TROUPE_ASSERT(command.index > applied_);

  applied_ = command.index;
  try {
    return tidied(resource_->apply(command));
  } catch (const std::bad_alloc&) {
    // Memory may be short here and not elsewhere. A refusal would then be recorded by this replica
    // alone, and its state would differ from the others' for ever.
    assertion_failed("enough memory to apply a command", __FILE__, __LINE__);
  } catch (...) {
    return failed();
  }
}

void ReplicatedState::skip(Index index) {
  TROUPE_ASSERT(index > applied_);

  applied_ = index;
}

Reply ReplicatedState::query(View question) const {
  try {
    return tidied(resource_->query(question));
  } catch (...) {
    return failed();
  }
}

}  // namespace troupe::machine
