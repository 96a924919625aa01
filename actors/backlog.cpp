#include "actors/backlog.hpp"

#include <cstdint>
#include <span>
#include <utility>

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
    // Not at once: a connection that is told of each place is woken for each frame.
    if (waits_ && frames_ <= limits_.frames_max / 2 && requests_ <= limits_.requests_max / 2
        && waits_.exchange(false))
      on_room_();
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
    const std::size_t own = answer_bytes_ + unwritten_bytes_;
    return own < limits_.answer_bytes_max
           && (!node_ || node_->answer_bytes < node_->answer_bytes_max || own < node_->own_bytes);
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
  }

  void note_unwritten(std::size_t bytes) {
    const std::size_t before = unwritten_bytes_.exchange(bytes);
    if (!node_ || bytes == before)
      return;
    node_->answer_bytes += bytes;
    node_->answer_bytes -= before;
  }

private:
  bool is_full() const {
    return frames_ >= limits_.frames_max || requests_ >= limits_.requests_max;
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

}  // namespace troupe::actors
