#include "test/bench/row.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>
#include <string_view>

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

struct Column {
  std::string_view figure{};
  std::string_view title{};
  int digits = 0;
};

/// The figures that each row has, in this order.
constexpr std::array columns = {
    Column{"ops_per_s", "ops/s", 0},
    Column{"p50_us", "p50 µs", 0},
    Column{"p99_us", "p99 µs", 0},
    Column{"p999_us", "p99.9 µs", 0},
    Column{"max_us", "max µs", 0},
    Column{"cpu_us_per_op", "cpu µs/op", 1},
    Column{"client_cpu_us_per_op", "client µs/op", 1},
    Column{"syncs_per_op", "syncs/op", 3},
    Column{"bytes_written_per_op", "bytes/op", 0},
    Column{"messages_per_op", "messages/op", 3},
    Column{"switches_per_op", "switches/op", 3},
    Column{"rss_mb", "RSS MB", 0},
    Column{"fdatasync_us", "fdatasync µs", 0},
    Column{"rtt_us", "rtt µs", 0},
};

constexpr int name_width = 22;

/// Three decimals are more than any figure is worth.
double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

std::vector<double> all_of(const Row& row, const std::string& figure) {
  std::vector<double> values;
  for (const Figures& round : row.rounds)
    if (const auto found = round.find(figure); found != round.end())
      values.push_back(found->second);
  return values;
}

/// The figures of a row that are in no column.
std::set<std::string> others(const Row& row) {
  std::set<std::string> names;
  for (const Figures& round : row.rounds)
    for (const auto& [name, value] : round)
      names.insert(name);
  for (const Column& column : columns)
    names.erase(std::string(column.figure));
  return names;
}

std::size_t width_of(const Column& column) {
  return column.title.size() + 2;
}

/// Bytes that are no columns: "µ" has two.
std::size_t hidden(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
  }));
}

std::string aligned(const std::string& text, std::size_t width) {
  const std::size_t length = text.size() - hidden(text);
  return std::string(width > length ? width - length : 1, ' ') + text;
}

std::string number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void add_times(Figures& figures, const Histogram& times) {
  constexpr double per_us = 1000;
  const auto us = [&](double part) { return static_cast<double>(times.quantile(part)) / per_us; };
  figures["p50_us"] = us(0.5);
  figures["p99_us"] = us(0.99);
  figures["p999_us"] = us(0.999);
  figures["max_us"] = static_cast<double>(times.max()) / per_us;
}

void add(Figures& figures, const Floors& floors) {
  figures["fdatasync_us"] = floors.fdatasync_us;
  figures["rtt_us"] = floors.rtt_us;
}

Figures figures_of(const Histogram& times, double seconds, const Usage& nodes,
                   const Usage& client) {
  Figures figures;
  const auto count = static_cast<double>(std::max<std::uint64_t>(times.count(), 1));
  add_times(figures, times);
  figures["ops_per_s"] = static_cast<double>(times.count()) / seconds;
  figures["cpu_us_per_op"] = nodes.cpu_us / count;
  figures["client_cpu_us_per_op"] = client.cpu_us / count;
  figures["syncs_per_op"] = static_cast<double>(nodes.syncs) / count;
  figures["bytes_written_per_op"] = static_cast<double>(nodes.bytes_written) / count;
  figures["messages_per_op"] = static_cast<double>(nodes.messages) / count;
  figures["switches_per_op"] = static_cast<double>(nodes.switches) / count;
  figures["rss_mb"] = static_cast<double>(nodes.rss_bytes) / 1e6;
  return figures;
}

std::string to_json(const Row& row) {
  Json json{{"workload", row.workload}, {"in_flight", row.in_flight}, {"client", row.client}};
  Json least = Json::object();
  Json most = Json::object();
  const auto put = [&](const std::string& name) {
    const std::vector<double> values = all_of(row, name);
    if (values.empty()) {
      json[name] = nullptr;
      return;
    }
    json[name] = rounded(median(values));
    least[name] = rounded(*std::ranges::min_element(values));
    most[name] = rounded(*std::ranges::max_element(values));
  };
  for (const Column& column : columns)
    put(std::string(column.figure));
  for (const std::string& name : others(row))
    put(name);
  json["rounds"] = row.rounds.size();
  json["min"] = std::move(least);
  json["max"] = std::move(most);
  return json.dump();
}

std::string table_head() {
  std::string line = "workload";
  line.resize(name_width, ' ');
  line += aligned("in flight", 10);
  for (const Column& column : columns)
    line += aligned(std::string(column.title), width_of(column));
  return line;
}

std::string to_table(const Row& row) {
  std::string line = row.workload;
  line.resize(std::max<std::size_t>(line.size(), name_width), ' ');
  line += aligned(row.in_flight == 0 ? "-" : std::to_string(row.in_flight), 10);
  for (const Column& column : columns) {
    const std::vector<double> values = all_of(row, std::string(column.figure));
    line += aligned(values.empty() ? "-" : number(median(values), column.digits), width_of(column));
  }
  const std::vector<double> rates = all_of(row, "ops_per_s");
  if (rates.size() > 1)
    line += "  (" + number(*std::ranges::min_element(rates), 0) + " to "
            + number(*std::ranges::max_element(rates), 0) + "/s)";
  for (const std::string& name : others(row))
    line += "\n    " + name + " " + number(median(all_of(row, name)), 3);
  return line;
}

}  // namespace bench
