#include "core/assert.hpp"
#include "core/engine.hpp"

#include <numeric>
#include <utility>

namespace troupe {

/// Whether `replicate` would send the follower anything.
bool Engine::has_news_for(const Progress& progress) const {
  const Progress::Window window{options_.window_bytes_max, options_.window_messages_max};
  const bool entries = may_send_entries(progress) && progress.may_send(window);
  const bool heartbeat =
      !progress.sent_at()
      || (!leading().asleep && now_ - *progress.sent_at() >= options_.heartbeat_interval);
  return entries || heartbeat || reads_.round_is_due();
}

/// Sends every follower what it lacks, as far as its window reaches. Called once for all inputs of
/// a turn: that is what makes batches.
void Engine::replicate() {
  Leading& lead = leading();
  if (!has_nothing_to_do())
    wake();
  for (auto& [peer, progress] : lead.followers) {
    if (has_news_for(progress))
      replicate_to(peer, progress);
    send_chunks(peer, progress);
  }
  if (reads_.round_is_due())
    reads_.send_round();
}

void Engine::replicate_to(PeerId to, Progress& progress) {
  const Progress::Window window{options_.window_bytes_max, options_.window_messages_max};
  bool sent = false;
  while (may_send_entries(progress) && progress.may_send(window)) {
    send_append(to, progress,
                log_.slice(progress.next(), log_.last().index, options_.append_bytes_max));
    sent = true;
  }
  if (!sent)
    send_append(to, progress, {});
}

/// One request, empty for a heartbeat. It always claims what comes right before the next entry, so
/// that a heartbeat finds out what was lost; nothing to a follower that needs a snapshot first.
void Engine::send_append(PeerId to, Progress& progress, std::vector<Entry> entries) {
  // A standby agrees that nothing is before the first entry, whatever it may still hold.
  const bool rests = progress.pace() == Pace::rest;
  const bool is_cut = progress.next() < log_.first();
  const Index previous = rests || is_cut ? Index{} : prev(progress.next());
  if (!entries.empty()) {
    const std::size_t bytes = std::accumulate(
        entries.begin(), entries.end(), std::size_t{0},
        [](std::size_t sum, const Entry& entry) { return sum + size_bytes(entry); });
    progress.sent_entries(entries.back().id.index, bytes);
  }
  progress.sent(now_);
  // Only a read that this follower has not confirmed makes it answer at once.
  const ReadId read = progress.read() >= reads_.newest() ? ReadId{} : reads_.newest();
  const Term previous_term = previous == Index{} ? Term{} : log_.term_at(previous);
  const bool quiet = entries.empty() && is_quiet_due();
  send(to, AppendRequest{.previous = {previous_term, previous},
                         .commit = commit_,
                         .entries = std::move(entries),
                         .read = read,
                         .members = rests ? Bytes::copy_of(encode(configuration())) : Bytes{},
                         .sent_at = now_,
                         .floor = floor(),
                         .horizon = hard_state_.horizon,
                         .quiet = quiet,
                         .acknowledged = claim_to(progress)});
}

}  // namespace troupe
