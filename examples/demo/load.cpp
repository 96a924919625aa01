#include "examples/demo/load.hpp"

#include "resources/kv_store/kv_store.hpp"
#include "wire/command.hpp"

#include <algorithm>

namespace demo {

using troupe::Bytes;
using troupe::Refusal;
namespace kv_store = troupe::resources::kv_store;

void Load::put(const std::string& key, const std::string& value) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return in_flight_ < in_flight_max_; });
  ++in_flight_;
  lock.unlock();
  send(key, value);
}

void Load::send(const std::string& key, const std::string& value) {
  const std::string command = kv_store::set(key, value);
  client_.write(troupe::wire::encode_command(troupe::machine::bytes(command)),
                [this, key, value](const troupe::wire::CallReply& reply) {
                  on_reply(key, value, reply.refusal);
                });
}

void Load::on_reply(const std::string& key, const std::string& value, Refusal refusal) {
  std::unique_lock lock(mutex_);
  if (refusal == Refusal::unknown_outcome || refusal == Refusal::timeout) {
    ++tally_.in_doubt;
    lock.unlock();
    return send(key, value);
  }
  if (refusal == Refusal::none) {
    ++tally_.acknowledged;
    promised_[key] = value;
    const auto now = Clock::now();
    if (last_acknowledged_ != Clock::time_point{})
      tally_.longest_pause =
          std::max(tally_.longest_pause,
                   std::chrono::duration_cast<std::chrono::microseconds>(now - last_acknowledged_));
    last_acknowledged_ = now;
  } else {
    ++tally_.refused;
  }
  --in_flight_;
  // Under the lock: who waits may destroy us as soon as it sees that nothing is in flight.
  changed_.notify_all();
}

void Load::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return in_flight_ == 0; });
  last_acknowledged_ = {};
}

std::size_t Load::lost(const std::function<void(std::size_t)>& on_progress) {
  std::size_t different = 0;
  std::size_t read = 0;
  for (const auto& [key, value] : promised_) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return in_flight_ < in_flight_max_; });
      ++in_flight_;
    }
    client_.read(Bytes::copy_of(kv_store::get(key)),
                 [this, &different, expected = value](const troupe::wire::CallReply& reply) {
                   const std::lock_guard lock(mutex_);
                   if (reply.refusal != Refusal::none || reply.value.text() != expected)
                     ++different;
                   --in_flight_;
                   changed_.notify_all();
                 });
    on_progress(++read);
  }
  wait();
  return different;
}

Tally Load::tally() const {
  const std::lock_guard lock(mutex_);
  return tally_;
}

std::size_t Load::answered() const {
  const std::lock_guard lock(mutex_);
  return tally_.acknowledged + tally_.refused;
}

std::size_t Load::promised() const {
  const std::lock_guard lock(mutex_);
  return promised_.size();
}

}  // namespace demo
