#pragma once

#include "test/bench/floors.hpp"
#include "test/bench/histogram.hpp"
#include "test/bench/usage.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace bench {

/// Figures of one round by their names; what was not measured is missing.
using Figures = std::map<std::string, double>;

/// One line of the result.
struct Row {
  std::string workload{};
  std::size_t in_flight = 0;
  std::string client{};           ///< "remote" or "embedded".
  std::vector<Figures> rounds{};  ///< Of each figure the median is told, and the extremes.
};

/// What every round of calls comes to.
Figures figures_of(const Histogram& times, double seconds, const Usage& nodes, const Usage& client);
void add(Figures& figures, const Floors& floors);

/// Microseconds of the quantiles that are told of durations.
void add_times(Figures& figures, const Histogram& times);

/// The middle one, or the mean of the two in the middle. Requires at least one.
double median(std::vector<double> values);

/// One line of JSON: the fields of docs/performance.md, `null` where there is nothing to tell, then
/// what only this workload knows, then "min" and "max" of all.
std::string to_json(const Row& row);
/// One line of the table, and its head.
std::string table_head();
std::string to_table(const Row& row);

}  // namespace bench
