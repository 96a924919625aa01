#include "core/snapshot_sending.hpp"

#include "core/assert.hpp"
#include "core/mutant.hpp"

#include <algorithm>

namespace troupe {
namespace {

/// So often a silence doubles.
constexpr unsigned doublings_max = 6;

}  // namespace

/// How much may leave in the next chunk; 0 if nothing.
std::size_t SnapshotSending::next_length(const Window& window) const {
  const std::uint64_t in_flight = sent_ - acked_;
  if (asking_ || in_flight >= window.bytes_max
      || in_flight / window.chunk_bytes >= window.messages_max)
    return 0;
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(window.chunk_bytes, head_.size_bytes - sent_));
}

/// Whether it is time to ask how far the follower has come.
bool SnapshotSending::should_ask(Time now, Duration silence) const {
  const unsigned repeats = questions_ > 0 ? questions_ - 1 : 0;
  return !left_at_ || now - *left_at_ >= silence * (1U << std::min(repeats, doublings_max));
}

std::optional<SnapshotSending::Piece> SnapshotSending::next(const Window& window, Time now,
                                                            Duration silence) {
  const std::size_t length = next_length(window);
  if (length == 0 && !should_ask(now, silence))
    return std::nullopt;
  Piece piece{.offset = sent_, .length = length};
  if (mutant(Mutant::chunk_at_wrong_offset))
    piece.offset = acked_;
  last_offset_ = sent_;
  sent_ += length;
  left_at_ = now;
  if (length == 0)
    ++questions_;
  return piece;
}

bool SnapshotSending::answered(std::uint64_t offset, std::uint64_t upto) {
  TROUPE_ASSERT(upto <= head_.size_bytes);
  asking_ = false;
  questions_ = 0;
  // Messages keep their order, but for bad luck, which then only costs bytes sent twice.
  const bool is_last = offset == last_offset_;
  if (is_last && upto < sent_)
    if (!mutant(Mutant::chunk_lost_unnoticed))
      acked_ = sent_ = upto;
  acked_ = std::max(acked_, upto);
  sent_ = std::max(sent_, acked_);
  const bool news = acked_ > acked_most_;
  acked_most_ = std::max(acked_most_, acked_);
  return news;
}

void SnapshotSending::start_over(Time when) {
  asking_ = true;
  acked_ = acked_most_ = sent_ = last_offset_ = 0;
  left_at_ = when;
  questions_ = 0;
}

}  // namespace troupe
