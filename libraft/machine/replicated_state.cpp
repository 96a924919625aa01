#include "machine/replicated_state.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

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

/// The same of the reply to a command: in order, once each, and none that is still to come. What
/// was refused changed nothing and is the first to go.
Reply tidied(Reply reply, Index index) {
  reply = tidied(std::move(reply));
  std::vector<Index>& released = reply.released;
  if (!reply.error.empty())
    released = {index};
  std::sort(released.begin(), released.end());
  released.erase(std::unique(released.begin(), released.end()), released.end());
  std::erase_if(released, [&](Index entry) { return entry == Index{} || entry > index; });
  return reply;
}

}  // namespace

ReplicatedState::ReplicatedState(Make make) : make_(std::move(make)), resource_(make_()) {
  TROUPE_ASSERT(resource_ != nullptr);
}

Reply ReplicatedState::apply(const Command& command) {
  TROUPE_ASSERT(command.index > applied_);

  applied_ = command.index;
  try {
    return tidied(resource_->apply(command), command.index);
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

bool ReplicatedState::start_save() {
  saver_.reset();
  try {
    saver_ = resource_->start_save();
  } catch (...) {
    return false;
  }
  TROUPE_ASSERT(saver_ != nullptr);
  return true;
}

std::optional<std::string> ReplicatedState::next_piece() {
  TROUPE_ASSERT(is_saving());

  std::optional<std::string> piece;
  try {
    piece = saver_->next();
  } catch (...) {
    // A snapshot can be taken again; the state itself was only read.
    piece.reset();
  }
  TROUPE_ASSERT(!piece || piece->size() <= saved_piece_bytes_max);
  if (!piece || piece->empty())
    saver_.reset();
  return piece;
}

int ReplicatedState::percent_saved() const {
  TROUPE_ASSERT(is_saving());

  try {
    return saver_->percent();
  } catch (...) {
    return 0;
  }
}

void ReplicatedState::start_load() {
  saver_.reset();
  // The old state goes before the one that takes its place comes: there may be no room for both.
  resource_.reset();
  resource_ = make_();
  TROUPE_ASSERT(resource_ != nullptr);
  applied_ = {};
}

template <class Step>
bool ReplicatedState::try_to_load(const Step& step) {
  bool loaded = false;
  try {
    loaded = step();
  } catch (const std::bad_alloc&) {
    // The snapshot is sound; to call it damaged would only have it fetched again.
    assertion_failed("enough memory to load a snapshot", __FILE__, __LINE__);
  } catch (...) {
    loaded = false;
  }
  if (!loaded)
    start_load();  // Whatever half of a state there is, it is nobody's.
  return loaded;
}

bool ReplicatedState::load_piece(View piece) {
  TROUPE_ASSERT(applied_ == Index{});

  return try_to_load([&] { return resource_->load_piece(piece); });
}

bool ReplicatedState::end_load(Index index) {
  TROUPE_ASSERT(applied_ == Index{});

  if (!try_to_load([&] { return resource_->end_load(); }))
    return false;
  applied_ = index;
  return true;
}

}  // namespace troupe::machine
