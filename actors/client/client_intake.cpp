#include "actors/client/client_intake.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe::actors {

void ClientIntake::open(caf::actor actor) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::closed)
    return;
  state_ = State::open;
  actor_ = std::move(actor);
}

void ClientIntake::never_open() {
  const std::lock_guard lock(mutex_);
  state_ = State::closed;
  has_left_ = true;
}

bool ClientIntake::put(Task task) {
  const std::lock_guard lock(mutex_);
  TROUPE_ASSERT(state_ != State::unopened);
  if (state_ == State::closed)
    return false;
  tasks_.push_back(std::move(task));
  // Under the lock: the actor's system is there as long as the actor, which closes before it ends.
  if (tasks_.size() == 1)
    send_from_outside(actor_, Intake{});
  return true;
}

std::deque<ClientIntake::Task> ClientIntake::take(std::size_t tasks_max) {
  const std::lock_guard lock(mutex_);
  if (tasks_.size() <= tasks_max)
    return std::exchange(tasks_, {});
  const auto end = tasks_.begin() + static_cast<std::ptrdiff_t>(tasks_max);
  std::deque<Task> taken(std::make_move_iterator(tasks_.begin()), std::make_move_iterator(end));
  tasks_.erase(tasks_.begin(), end);
  send_from_outside(actor_, Intake{});
  return taken;
}

std::deque<ClientIntake::Task> ClientIntake::close() {
  const std::lock_guard lock(mutex_);
  state_ = State::closed;
  actor_ = nullptr;
  return std::exchange(tasks_, {});
}

void ClientIntake::leave() {
  const std::lock_guard lock(mutex_);
  has_left_ = true;
  left_.notify_all();
}

void ClientIntake::end() {
  std::unique_lock lock(mutex_);
  if (state_ == State::open)
    caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
  left_.wait(lock, [this] { return has_left_; });
}

}  // namespace troupe::actors
