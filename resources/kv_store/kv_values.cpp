#include "resources/kv_store/kv_values.hpp"

#include "core/assert.hpp"
#include "resources/saved.hpp"

#include <utility>

namespace troupe::resources {
namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::size_t head_bytes = 1 + 8;

std::string head(const KvValues& values) {
  SavedWriter out(format_version);
  out.number(values.size());
  return out.take();
}

std::string entry(std::string_view key, const KvValue& value) {
  SavedWriter out;
  out.text(key);
  out.number(value.set_by.value);
  out.text(value.value);
  return out.take();
}

}  // namespace

std::string saved(const KvValues& values) {
  std::string bytes = head(values);
  for (const auto& [key, value] : values)
    bytes += entry(key, value);
  return bytes;
}

KvSaver::KvSaver(const KvValues& values, KvSaver*& attached)
    : values_(values), attached_(attached), count_(values.size()), written_(head(values)) {
  TROUPE_ASSERT(attached_ == nullptr);
  attached_ = this;
}

KvSaver::~KvSaver() {
  attached_ = nullptr;
}

std::string KvSaver::next() {
  fill();
  std::string piece = written_.substr(0, machine::saved_piece_bytes_max);
  written_.erase(0, piece.size());
  return piece;
}

/// Nothing changes while this runs, so that one step leads from a key to the next.
void KvSaver::fill() {
  auto it = passed_ ? values_.upper_bound(*passed_) : values_.begin();
  while (!at_end_ && written_.size() < machine::saved_piece_bytes_max) {
    const bool from_kept =
        !kept_.empty() && (it == values_.end() || kept_.begin()->first <= it->first);
    if (from_kept) {
      auto kept = kept_.extract(kept_.begin());
      if (it != values_.end() && it->first == kept.key())
        ++it;
      if (kept.mapped())
        append(kept.key(), *kept.mapped());
      passed_ = std::move(kept.key());
    } else if (it != values_.end()) {
      append(it->first, it->second);
      passed_ = it->first;
      ++it;
    } else {
      at_end_ = true;
    }
  }
}

void KvSaver::append(const std::string& key, const KvValue& value) {
  written_ += entry(key, value);
  ++done_;
}

int KvSaver::percent() const {
  return count_ == 0 ? 100 : static_cast<int>(100 * done_ / count_);
}

bool KvSaver::needs(std::string_view key) const {
  return !at_end_ && (!passed_ || key > *passed_) && !kept_.contains(key);
}

void KvSaver::keep(std::string_view key, std::optional<KvValue> before) {
  TROUPE_ASSERT(needs(key));

  kept_.emplace(key, std::move(before));
}

bool KvLoader::load(machine::View piece) {
  std::string joined;
  std::string_view from = machine::text(piece);
  if (!partial_.empty()) {
    joined = std::exchange(partial_, {}).append(from);
    from = joined;
  }

  bool missing = false;
  if (!left_ && from.size() < head_bytes)
    missing = true;
  else if (!left_ && !read_head(from))
    return false;
  while (!missing && *left_ > 0)
    if (!read_value(from, missing))
      return false;
  if (!missing && !from.empty())
    return false;
  partial_ = from;
  return true;
}

bool KvLoader::read_head(std::string_view& from) {
  SavedReader in(machine::bytes(from), format_version);
  left_ = in.number();
  from = in.left();
  return in.good();
}

/// What is not there to its end is `missing`, and stays to be read with the next piece.
bool KvLoader::read_value(std::string_view& from, bool& missing) {
  SavedReader in(from);
  const std::string_view key = in.text();
  const Index set_by{in.number()};
  const std::string_view value = in.text();
  missing = !in.good();
  if (missing)
    return true;
  // In any other order, or twice, they are not what was saved.
  if (!values_.empty() && key <= values_.rbegin()->first)
    return false;
  values_.emplace_hint(values_.end(), key, KvValue{std::string(value), set_by});
  from = in.left();
  --*left_;
  return true;
}

}  // namespace troupe::resources
