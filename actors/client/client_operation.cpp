#include "actors/client/client_operation.hpp"

#include "core/assert.hpp"

#include <utility>

namespace troupe::actors {

bool ClientShared::reserve(std::size_t bytes) {
  const std::size_t calls = calls_.fetch_add(1) + 1;
  const std::size_t held = bytes_.fetch_add(bytes) + bytes;
  // A call larger than the limit still gets through alone.
  if (calls <= calls_max_ && (held <= bytes_max_ || held == bytes))
    return true;
  release(bytes);
  return false;
}

void ClientShared::release(std::size_t bytes) {
  calls_.fetch_sub(1);
  bytes_.fetch_sub(bytes);
}

void ClientShared::set_leader(std::string leader) {
  const std::lock_guard lock(mutex_);
  leader_ = std::move(leader);
}

std::string ClientShared::leader() const {
  const std::lock_guard lock(mutex_);
  return leader_;
}

Operation::~Operation() {
  if (!answered_)
    abandon();
}

/// The client ends. What left and changes something may have happened.
void Operation::abandon() noexcept {
  const bool in_doubt = state == State::sent && changes_something();
  finish(in_doubt ? Refusal::unknown_outcome : Refusal::stopping);
}

bool Operation::reserve(const std::shared_ptr<ClientShared>& shared) {
  TROUPE_ASSERT(!shared_);
  if (!shared->reserve(payload.size()))
    return false;
  shared_ = shared;
  reserved_bytes_ = payload.size();
  return true;
}

void Operation::release() {
  TROUPE_ASSERT(!answered_);
  answered_ = true;
  state = State::finished;
  payload = {};
  if (shared_)
    shared_->release(reserved_bytes_);
  shared_.reset();
}

void Operation::finish(wire::CallReply reply) noexcept {
  // First: the caller may call again as soon as it is answered, and must find the place free.
  release();
  if (auto* call = std::get_if<std::function<void(wire::CallReply)>>(&answer_)) {
    if (*call)
      (*call)(std::move(reply));
  } else {
    std::get<std::promise<wire::CallReply>>(answer_).set_value(std::move(reply));
  }
}

void Operation::finish(wire::Response response) noexcept {
  release();
  std::get<std::promise<wire::Response>>(answer_).set_value(std::move(response));
}

void Operation::finish(Refusal refusal, std::string detail) noexcept {
  if (std::holds_alternative<std::promise<wire::Response>>(answer_))
    finish(wire::Response{.id = id, .refusal = refusal, .detail = std::move(detail), .body = {}});
  else
    finish(wire::CallReply{
        .id = id, .refusal = refusal, .detail = std::move(detail), .index = {}, .value = {}});
}

bool Operation::changes_something() const {
  if (!request)
    return kind == wire::CallKind::command;
  return std::holds_alternative<wire::StartPeer>(request->body)
         || std::holds_alternative<wire::StopPeer>(request->body)
         || std::holds_alternative<wire::DeletePeer>(request->body)
         || std::holds_alternative<wire::SetConfiguration>(request->body)
         || std::holds_alternative<wire::TransferLeadership>(request->body)
         || std::holds_alternative<wire::TakeSnapshot>(request->body);
}

}  // namespace troupe::actors
