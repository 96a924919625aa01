#include "test/torture/history.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <istream>
#include <string_view>
#include <utility>

namespace troupe::torture {

namespace {

using sim::KvOperation;
using Json = nlohmann::ordered_json;

template <class Enum>
using Names = std::array<std::pair<Enum, std::string_view>, 3>;

constexpr Names<KvOperation::Action> actions{{{KvOperation::Action::get, "get"},
                                              {KvOperation::Action::set, "set"},
                                              {KvOperation::Action::remove, "delete"}}};
constexpr Names<ReadLevel> levels{{{ReadLevel::linearizable, "linearizable"},
                                   {ReadLevel::lease, "lease"},
                                   {ReadLevel::sequential, "sequential"}}};

template <class Enum>
std::string name_of(const Names<Enum>& names, Enum value) {
  for (const auto& [each, name] : names)
    if (each == value)
      return std::string(name);
  return "?";
}

template <class Enum>
bool find(const Names<Enum>& names, const Json& from, Enum& to) {
  for (const auto& [each, name] : names) {
    if (from == name) {
      to = each;
      return true;
    }
  }
  return false;
}

bool number(const Json& from, const char* name, std::uint64_t& to) {
  const auto found = from.find(name);
  if (found == from.end() || !found->is_number_unsigned())
    return false;
  to = found->get<std::uint64_t>();
  return true;
}

bool time(const Json& from, const char* name, Time& to) {
  std::uint64_t count = 0;
  if (!number(from, name, count) || count >= static_cast<std::uint64_t>(never.count()))
    return false;
  to = Time(static_cast<Time::rep>(count));
  return true;
}

bool read(const Json& from, Record& to) {
  if (!from.is_object() || !from.contains("action") || !from.contains("level"))
    return false;
  KvOperation& operation = to.operation;
  const bool ok = find(actions, from["action"], operation.action)
                  && find(levels, from["level"], to.level)
                  && number(from, "client", operation.client) && number(from, "key", operation.key)
                  && number(from, "value", operation.value)
                  && time(from, "called_us", operation.interval.called);
  if (!ok || !from.contains("returned_us"))
    return false;
  if (from["returned_us"].is_null())
    return !to.is_read();  // A read that nobody answered tells nothing.
  return time(from, "returned_us", operation.interval.returned)
         && operation.interval.called <= operation.interval.returned
         && number(from, "told", operation.told) && number(from, "index", to.index.value)
         && (to.index != Index{} || to.is_sequential());
}

}  // namespace

std::string to_line(const Record& record) {
  const KvOperation& operation = record.operation;
  Json json;
  json["client"] = operation.client;
  json["action"] = name_of(actions, operation.action);
  json["level"] = name_of(levels, record.level);
  json["key"] = operation.key;
  json["value"] = operation.value;
  json["called_us"] = operation.interval.called.count();
  if (record.is_in_doubt()) {
    json["returned_us"] = nullptr;
  } else {
    json["returned_us"] = operation.interval.returned.count();
    json["told"] = operation.told;
    json["index"] = record.index.value;
  }
  return json.dump();
}

std::variant<Records, std::string> read_records(std::istream& in) {
  Records records;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const Json json = Json::parse(line, nullptr, false);
    Record record;
    if (json.is_discarded() || !read(json, record))
      return "line " + std::to_string(number) + " is no record: " + line;
    records.push_back(record);
  }
  return records;
}

std::string text(const Record& record) {
  std::string out = sim::text(record.operation);
  if (record.index != Index{})
    out += " at index " + std::to_string(record.index.value);
  if (record.is_read())
    out += ", " + name_of(levels, record.level);
  return out;
}

}  // namespace troupe::torture
