#include "core/outbox.hpp"

#include <utility>

namespace troupe {

void Outbox::promise(WriteId write, Message message) {
  promises_.push_back({.write = write, .message = std::move(message)});
}

bool Outbox::release(WriteId done) {
  bool any = false;
  for (; !promises_.empty() && promises_.front().write <= done; any = true) {
    ready_.push_back(std::move(promises_.front().message));
    promises_.pop_front();
  }
  return any;
}

void Outbox::drop_messages() {
  drop_promises();
  ready_.clear();
}

std::vector<Message> Outbox::take_messages() {
  return std::exchange(ready_, {});
}

std::vector<ChunkToSend> Outbox::take_chunks() {
  return std::exchange(chunks_, {});
}

}  // namespace troupe
