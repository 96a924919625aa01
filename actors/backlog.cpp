#include "actors/backlog.hpp"

#include <atomic>
#include <utility>

namespace troupe::actors {

struct Backlog::Count {
  std::atomic<std::size_t> items{0};
  std::atomic<std::size_t> bytes{0};
};

Backlog::Backlog(std::size_t items_max, std::size_t bytes_max)
    : items_max_(items_max), bytes_max_(bytes_max), count_(std::make_shared<Count>()) {}

Ticket Backlog::admit(std::size_t items, std::size_t bytes) {
  struct Share {
    std::shared_ptr<Count> count;
    std::size_t items;
    std::size_t bytes;
    Share(std::shared_ptr<Count> of, std::size_t more_items, std::size_t more_bytes)
        : count(std::move(of)), items(more_items), bytes(more_bytes) {
      count->items += items;
      count->bytes += bytes;
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() {
      count->items -= items;
      count->bytes -= bytes;
    }
  };
  if (items > items_max_ || count_->items > items_max_ - items || bytes > bytes_max_
      || count_->bytes > bytes_max_ - bytes)
    return nullptr;
  return std::make_shared<const Share>(count_, items, bytes);
}

}  // namespace troupe::actors
