#include "core/read_queue.hpp"

#include "core/assert.hpp"
#include "core/mutant.hpp"

#include <cstddef>
#include <utility>

namespace troupe {
namespace {

/// Rounds of reads that may wait for a quorum, or for a leader, at one time.
constexpr std::size_t reads_max = 4096;

}  // namespace

ReadId ReadQueue::draw() {
  last_ = {last_.value + 1};
  return last_;
}

void ReadQueue::make_ready(ReadId upto, Index index) {
  if (!ready_.empty() && ready_.back().index == index)
    ready_.back().upto = upto;
  else
    ready_.push_back({.upto = upto, .index = index});
}

void ReadQueue::lose_all() {
  waiting_.clear();
  ready_.clear();
  sent_ = own_ = {};
  if (mutant(Mutant::lost_read_answered))
    if (answered_ < last_)
      make_ready(last_, {});
  asked_ = answered_ = last_;
}

bool ReadQueue::is_full() const {
  return waiting_.size() >= reads_max;
}

ReadId ReadQueue::wait_for_quorum(Index index) {
  own_ = draw();
  waiting_.push_back({.id = own_, .index = index});
  return own_;
}

void ReadQueue::wait_for_quorum(Index index, PeerId asker, const ReadIndexRequest& request) {
  waiting_.push_back({.id = draw(), .index = index, .asker = asker, .request = request});
}

ReadId ReadQueue::ready_at_once(Index index) {
  TROUPE_ASSERT(!own_reads_wait());
  make_ready(draw(), index);
  return last_;
}

void ReadQueue::send_round() {
  sent_ = newest();
  ++rounds_;
}

std::optional<ReadQueue::Waiting> ReadQueue::pop_confirmed(ReadId answered) {
  if (mutant(Mutant::read_without_round))
    answered = newest();
  while (!waiting_.empty() && waiting_.front().id <= answered) {
    const Waiting read = waiting_.front();
    waiting_.pop_front();
    if (read.asker != nobody)
      return read;
    make_ready(read.id, read.index);
  }
  return std::nullopt;
}

std::optional<ReadId> ReadQueue::wait_for_leader() {
  if (last_.value - answered_.value >= reads_max || ready_.size() >= reads_max)
    return std::nullopt;
  return draw();
}

bool ReadQueue::should_ask_leader(Time now, Duration patience) const {
  return answered_ < last_ && (asked_ < last_ || now - asked_at_ >= patience);
}

Time ReadQueue::ask_deadline(Duration patience) const {
  return answered_ < asked_ ? asked_at_ + patience : never;
}

ReadIndexRequest ReadQueue::ask_leader(Time now) {
  asked_ = last_;
  asked_at_ = now;
  return {.upto = last_, .boot = boot_};
}

ReadQueue::Answer ReadQueue::hear_answer(const ReadIndexResponse& response) {
  if (response.boot != boot_)
    if (!mutant(Mutant::answer_to_older_life))
      return Answer::stale;
  if (response.upto > asked_)
    return Answer::nonsense;
  if (response.upto <= answered_)
    return Answer::stale;
  // Reads that came after the request was sent are not covered by its answer.
  answered_ = response.upto;
  if (mutant(Mutant::answer_covers_later_reads))
    answered_ = last_;
  make_ready(answered_, response.index);
  return Answer::fresh;
}

ReadReady ReadQueue::pop_ready() {
  TROUPE_ASSERT(!ready_.empty());
  const ReadReady ready = ready_.front();
  ready_.pop_front();
  return ready;
}

}  // namespace troupe
