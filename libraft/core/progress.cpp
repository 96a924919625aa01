#include "core/progress.hpp"

#include "core/assert.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace troupe {

bool Progress::may_send(const Window& window) const {
  if (pace_ == Pace::rest)
    return false;
  if (pace_ == Pace::probe)
    return !probing_;
  return in_flight_bytes_ < window.bytes_max && in_flight_.size() < window.messages_max;
}

void Progress::sent_entries(Index last, std::size_t bytes) {
  TROUPE_ASSERT(last >= next_);
  if (pace_ == Pace::probe) {
    // `next` stays: the answer decides where to go on.
    probing_ = true;
    return;
  }
  next_ = troupe::next(last);
  in_flight_.push_back({last, bytes});
  in_flight_bytes_ += bytes;
}

void Progress::heard(Time now, ReadId read) {
  heard_at_ = now;
  has_answered_ = true;
  read_ = std::max(read_, read);
}

/// Promises are kept, so the longest counts, in whatever order they come in.
void Progress::promised(Time until) {
  promised_until_ = std::max(promised_until_, until);
}

bool Progress::accepted(Time now, Index matched, Term term) {
  while (!in_flight_.empty() && in_flight_.front().last <= matched) {
    in_flight_bytes_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
  const bool news = matched > match_;
  match_ = std::max(match_, matched);
  if (news) {
    matched_at_ = now;
    claim_ = term == Term{} ? claim_ : EntryId{term, matched};
  }
  has_ours_ = has_ours_ || (offered_ && matched >= *offered_);
  next_ = std::max(next_, troupe::next(match_));
  // Logs that agree up to `next - 1` need no more probing. An acceptance below it is of an older
  // message, and says nothing about what we are probing for.
  if (pace_ == Pace::probe && matched >= prev(next_)) {
    pace_ = Pace::replicate;
    probing_ = false;
  }
  return news;
}

void Progress::rest() {
  if (pace_ == Pace::replicate)
    next_ = troupe::next(match_);
  returned_ = returned_ || sent_at_.has_value();
  has_ours_ = false;
  offered_.reset();
  pace_ = Pace::rest;
  probing_ = false;
  in_flight_.clear();
  in_flight_bytes_ = 0;
}

bool Progress::is_set_back_by(const AppendResponse& response, Time now) const {
  if (mutant(Mutant::set_back_unproven))
    return false;
  if (response.set_back)
    return true;
  const auto* rejected = std::get_if<Rejected>(&response.verdict);
  if (rejected == nullptr || rejected->previous.index == Index{}
      || rejected->previous.index > match_)
    return false;
  if (mutant(Mutant::set_back_by_late_rejection))
    return true;
  return response.sent_at > matched_at_ && response.sent_at <= now;
}

void Progress::found_set_back() {
  set_back_ = true;
  if (mutant(Mutant::set_back_still_counts))
    return;
  rest();
  acknowledged_ = std::exchange(match_, Index{});
  promised_until_ = Time::min();
  read_ = {};
  wanted_ = {};
  quiet_since_.reset();
  sending_.reset();
}

void Progress::view(FollowerView& into) const {
  into.match = match_;
  into.next = next_;
  into.pace = pace_;
  into.in_flight_bytes = in_flight_bytes_;
  into.heard_at = heard_at_;
  if (sending_)
    into.snapshot = sending_->head();
  else
    into.snapshot.reset();
  into.snapshot_acked = sending_ ? sending_->acked() : 0;
  into.set_back = set_back_;
  into.acknowledged = acknowledged_;
}

void Progress::resume() {
  if (pace_ == Pace::rest && !set_back_)
    pace_ = Pace::probe;
}

void Progress::rejected(Index previous, Index agree) {
  // What the follower has accepted in this term it cannot miss: the answer is to a request from
  // before that (§3.5). The same holds for a probe that is not the last one sent.
  if (previous <= match_)
    return;
  if (pace_ == Pace::probe && previous != prev(next_))
    return;
  if (pace_ == Pace::replicate && previous >= next_)
    return;
  pace_ = Pace::probe;
  probing_ = false;
  in_flight_.clear();
  in_flight_bytes_ = 0;
  next_ = std::max(troupe::next(match_), std::min(troupe::next(agree), previous));
}

}  // namespace troupe
