#include "actors/runtime/backlog.hpp"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace troupe::actors {

namespace {

bool fits(std::size_t present, std::size_t more, std::size_t most) {
  return more <= most && present <= most - more;
}

}  // namespace

class BacklogCount {
public:
  BacklogCount(const BacklogLimits& limits, std::shared_ptr<NodeBacklog> node)
      : limits_(limits), node_(std::move(node)) {}
  BacklogCount(const BacklogCount&) = delete;
  BacklogCount& operator=(const BacklogCount&) = delete;
  ~BacklogCount() { note_unwritten(0); }

  bool takes(std::size_t calls, std::size_t bytes) const {
    return fits(calls_, calls, limits_.calls_max) && fits(bytes_, bytes, limits_.bytes_max)
           && (!node_ || fits(node_->bytes, bytes, node_->bytes_max)
               || fits(bytes_, bytes, node_->own_bytes));
  }

  void add(std::size_t calls, std::size_t bytes, bool is_request) {
    calls_ += calls;
    bytes_ += bytes;
    ++frames_;
    requests_ += is_request ? 1 : 0;
    if (node_)
      node_->bytes += bytes;
  }

  void remove(std::size_t calls, std::size_t bytes, bool is_request) {
    calls_ -= calls;
    bytes_ -= bytes;
    --frames_;
    requests_ -= is_request ? 1 : 0;
    if (node_)
      node_->bytes -= bytes;
    tell_of_room();
  }

  void when_room(std::function<void()> on_room) { on_room_ = std::move(on_room); }

  bool must_wait() {
    if (!is_full() || !on_room_)
      return false;
    waits_ = true;
    // All may have been answered meanwhile, by others than us.
    return is_full() || !waits_.exchange(false);
  }

  bool has_room() const {
    const std::size_t own = own_answer_bytes();
    return own < limits_.answer_bytes_max && (!is_node_full() || own < node_->own_bytes);
  }

  bool has_answers_enough() const {
    return own_answer_bytes() >= answers_enough_bytes() && !is_over_;
  }

  void when_answers_taken(std::function<void()> then) {
    {
      const std::lock_guard lock(mutex_);
      waiting_for_answers_.push_back(std::move(then));
      answers_wait_ = true;
    }
    tell_if_taken();
  }

  bool is_over() const { return is_over_; }
  void end() {
    is_over_ = true;
    note_unwritten(0);
    tell_if_taken();
  }

  void add_answer(std::size_t bytes) {
    answer_bytes_ += bytes;
    if (node_)
      node_->answer_bytes += bytes;
  }
  void remove_answer(std::size_t bytes) {
    answer_bytes_ -= bytes;
    if (node_)
      node_->answer_bytes -= bytes;
    tell_if_taken();
  }

  void note_unwritten(std::size_t bytes) {
    const std::size_t before = unwritten_bytes_.exchange(bytes);
    if (bytes == before)
      return;
    if (node_) {
      node_->answer_bytes += bytes;
      node_->answer_bytes -= before;
    }
    tell_if_taken();
  }

private:
  std::size_t own_answer_bytes() const { return answer_bytes_ + unwritten_bytes_; }

  bool is_node_full() const { return node_ && node_->answer_bytes >= node_->answer_bytes_max; }

  /// Of this connection alone. Where others fill the node, it waits for its own few answers to be
  /// taken, so that nothing need wake it when the others' are.
  std::size_t answers_enough_bytes() const {
    return is_node_full() ? std::min(node_->own_bytes, limits_.query_answer_bytes_max)
                          : limits_.query_answer_bytes_max;
  }

  bool are_answers_taken() const {
    return own_answer_bytes() <= answers_enough_bytes() / 2 || is_over_;
  }

  /// Not at once: otherwise a connection would be woken for each frame.
  void tell_of_room() {
    if (waits_ && frames_ <= limits_.frames_max / 2 && requests_ <= limits_.requests_max / 2
        && are_answers_taken() && waits_.exchange(false))
      on_room_();
  }

  /// Not at each byte: queries that wait go on with some answers at a time.
  void tell_if_taken() {
    tell_of_room();
    if (!answers_wait_ || !are_answers_taken())
      return;
    std::vector<std::function<void()>> told;
    {
      const std::lock_guard lock(mutex_);
      told.swap(waiting_for_answers_);
      answers_wait_ = false;
    }
    for (const auto& tell : told)
      tell();
  }

  bool is_full() const {
    return frames_ >= limits_.frames_max || requests_ >= limits_.requests_max
           || has_answers_enough();
  }

  const BacklogLimits limits_;
  const std::shared_ptr<NodeBacklog> node_;
  std::atomic<std::size_t> calls_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::size_t> frames_{0};
  std::atomic<std::size_t> requests_{0};
  std::atomic<std::size_t> answer_bytes_{0};  ///< That are not encoded yet.
  std::atomic<std::size_t> unwritten_bytes_{0};
  std::atomic<bool> waits_{false};
  std::function<void()> on_room_{};
  std::atomic<bool> is_over_{false};
  std::atomic<bool> answers_wait_{false};
  std::mutex mutex_{};  ///< Of what follows.
  std::vector<std::function<void()>> waiting_for_answers_{};
};

Share::Share(std::shared_ptr<BacklogCount> count, std::size_t calls, std::size_t bytes,
             bool is_request)
    : count_(std::move(count)), calls_(calls), bytes_(bytes), is_request_(is_request) {
  count_->add(calls_, bytes_, is_request_);
}

Share::~Share() {
  count_->remove(calls_, bytes_, is_request_);
}

bool Share::has_room() const {
  return count_->has_room();
}

bool Share::has_answers_enough() const {
  return count_->has_answers_enough();
}

void Share::when_answers_taken(std::function<void()> then) const {
  count_->when_answers_taken(std::move(then));
}

bool Share::is_over() const {
  return count_->is_over();
}

Bytes Share::charged(std::string answer) const {
  struct Charged {
    std::string text;
    std::shared_ptr<BacklogCount> count;
    Charged(std::string answer, std::shared_ptr<BacklogCount> of)
        : text(std::move(answer)), count(std::move(of)) {
      count->add_answer(text.size());
    }
    Charged(const Charged&) = delete;
    Charged& operator=(const Charged&) = delete;
    ~Charged() { count->remove_answer(text.size()); }
  };
  auto owner = std::make_shared<const Charged>(std::move(answer), count_);
  const auto* data = reinterpret_cast<const std::uint8_t*>(owner->text.data());
  const std::size_t size = owner->text.size();
  return {std::move(owner), {data, size}};
}

Backlog::Backlog(const BacklogLimits& limits, std::shared_ptr<NodeBacklog> node)
    : count_(std::make_shared<BacklogCount>(limits, std::move(node))) {}

Ticket Backlog::admit(std::size_t calls, std::size_t bytes, bool is_request) {
  if (!count_->takes(calls, bytes))
    return nullptr;
  return std::make_shared<const Share>(count_, calls, bytes, is_request);
}

void Backlog::when_room(std::function<void()> on_room) {
  count_->when_room(std::move(on_room));
}

bool Backlog::must_wait() {
  return count_->must_wait();
}

void Backlog::note_unwritten(std::size_t bytes) {
  count_->note_unwritten(bytes);
}

bool Backlog::has_room() const {
  return count_->has_room();
}

bool Backlog::has_answers_enough() const {
  return count_->has_answers_enough();
}

void Backlog::end() {
  count_->end();
}

}  // namespace troupe::actors
