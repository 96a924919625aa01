#include "core/configuration_history.hpp"

#include <iterator>
#include <utility>

namespace troupe {

const Configuration* ConfigurationHistory::previous() const {
  return in_log_.size() < 2 ? nullptr : &std::prev(in_log_.end(), 2)->second;
}

const FlatMap<Index, Configuration>::value_type* ConfigurationHistory::at(Index index) const {
  const auto after = in_log_.upper_bound(index);
  return after == in_log_.begin() ? nullptr : &*std::prev(after);
}

void ConfigurationHistory::append(Index index, Configuration configuration) {
  in_log_[index] = std::move(configuration);
}

void ConfigurationHistory::truncate_from(Index index) {
  in_log_.erase(in_log_.lower_bound(index), in_log_.end());
}

void ConfigurationHistory::cut_upto(Index index) {
  const auto after = in_log_.upper_bound(index);
  if (after != in_log_.begin())
    in_log_.erase(in_log_.begin(), std::prev(after));
}

void ConfigurationHistory::restart(Index index, Configuration configuration) {
  in_log_ = {{index, std::move(configuration)}};
}

}  // namespace troupe
