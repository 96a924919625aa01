#include "shell/json.hpp"

#include "machine/printable.hpp"
#include "shell/overloaded.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

namespace troupe::shell {

namespace {

Json null_if_empty(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json json_of(const VoterPolicy& keep) {
  if (keep.count == 0)
    return {};
  const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(keep.after);
  return {{"count", keep.count}, {"after_ms", after.count()}};
}

Json json_ok(Json value) {
  return {{"ok", true}, {"value", std::move(value)}};
}

Json json_error(const Failure& failure) {
  Json json{{"ok", false}, {"error", failure.error}};
  if (!failure.detail.empty())
    json["detail"] = failure.detail;
  return json;
}

Json json_of(const std::optional<wire::SnapshotProgress>& progress) {
  if (!progress)
    return nullptr;
  return {{"index", progress->index.value}, {"percent", progress->percent}};
}

Json json_of(const std::vector<wire::FollowerStatus>& followers) {
  Json list = Json::array();
  for (const wire::FollowerStatus& follower : followers)
    list.push_back({{"name", follower.name},
                    {"match", follower.match.value},
                    {"next", follower.next.value},
                    {"pace", name(follower.pace)},
                    {"in_flight_bytes", follower.in_flight_bytes},
                    {"heard_ms", follower.heard_ms},
                    {"snapshot_sent", follower.snapshot_sent},
                    {"snapshot_bytes", follower.snapshot_bytes},
                    {"set_back", follower.set_back},
                    {"acknowledged", follower.acknowledged.value},
                    {"disk_lost", follower.disk_lost}});
  return list;
}

/// As RFC 4648 has it in section 4.
std::string base64(std::string_view bytes) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    const std::size_t size = std::min<std::size_t>(3, bytes.size());
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < size ? static_cast<std::uint8_t>(bytes[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= size ? digits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

bool is_bytes(const Json& json) {
  return json.is_string() && !machine::is_text(json.get_ref<const std::string&>());
}

std::string base64_of(const Json& json) {
  return base64(json.get_ref<const std::string&>());
}

Json without_bytes(const Json& json) {
  if (is_bytes(json))
    return {{"base64", base64_of(json)}};
  if (!json.is_structured())
    return json;
  Json result = json.is_array() ? Json::array() : Json::object();
  for (const auto& [key, value] : json.items()) {
    if (json.is_array())
      result.push_back(without_bytes(value));
    else if (is_bytes(value))
      result[key + "_base64"] = base64_of(value);
    else
      result[key] = without_bytes(value);
  }
  return result;
}

}  // namespace

std::string as_json(const Reply& reply) {
  return on_one_line(std::visit(
      Overloaded{
          [](const Done&) { return json_ok(nullptr); },
          [](const Started& started) { return json_ok(null_if_empty(started.peer)); },
          [](const Leader& leader) {
            if (leader.peer.empty())
              return Json{{"ok", false}, {"error", "no_leader"}, {"value", nullptr}};
            return json_ok(leader.peer);
          },
          [](const Answer& answer) { return json_ok(answer.shown); },
          [](const Peers& peers) { return json_ok(peers.names); },
          [](const wire::PeerStatus& status) { return json_ok(json_of(status)); },
          [](const Configuration& configuration) { return json_ok(json_of(configuration)); },
          [](const Members& members) {
            Json json = json_of(members.configuration);
            json["set_back"] = members.set_back;
            json["disk_lost"] = members.disk_lost;
            return json_ok(std::move(json));
          },
          [](const wire::TakenSnapshot& taken) {
            return json_ok({{"index", taken.id.index.value}, {"bytes", taken.size_bytes}});
          },
          [](const ShownEntry& entry) { return json_ok(json_of(entry)); },
          [](const Manual& manual) { return json_ok(manual.text); },
          [](const Redirect& redirect) {
            return Json{
                {"ok", false}, {"error", "redirect"}, {"leader", null_if_empty(redirect.leader)}};
          },
          [](const Failure& failure) { return json_error(failure); },
      },
      reply));
}

Json json_of(const Configuration& configuration) {
  return {{"voters", full_names(configuration.voters)},
          {"old_voters", full_names(configuration.old_voters)},
          {"learners", full_names(configuration.learners)},
          {"standbys", full_names(configuration.standbys)},
          {"keep_voters", json_of(configuration.keep)}};
}

Json json_of(const wire::PeerStatus& status) {
  return {{"name", status.name},
          {"kind", status.kind},
          {"role", name(status.role)},
          {"leader", null_if_empty(status.leader)},
          {"term", status.term.value},
          {"commit", status.commit.value},
          {"applied", status.applied.value},
          {"last_index", status.last.index.value},
          {"last_term", status.last.term.value},
          {"configuration_index", status.configuration_index.value},
          {"configuration", json_of(status.configuration)},
          {"lease_ms", status.lease_ms > 0 ? Json(status.lease_ms) : Json()},
          {"read_rounds", status.read_rounds},
          {"disk_stalls", status.disk_stalls},
          {"disk_full", status.disk_full},
          {"quiet", status.quiet},
          {"set_back", status.set_back},
          {"store_bytes", status.store_bytes},
          {"first_index", status.first.value},
          {"holes", status.holes},
          {"cleaned_upto", status.cleaned_upto.value},
          {"log_bytes", status.log_bytes},
          {"snapshot_index", status.snapshot.index.value},
          {"snapshot_bytes", status.snapshot_bytes},
          {"taking", json_of(status.taking)},
          {"receiving", json_of(status.receiving)},
          {"followers", json_of(status.followers)}};
}

Json json_of(const ShownEntry& entry) {
  Json json{{"index", entry.id.index.value},
            {"term", entry.id.term.value},
            {"kind", name(entry.kind)},
            {"payload", nullptr}};
  if (const auto* configuration = std::get_if<Configuration>(&entry.payload))
    json["payload"] = json_of(*configuration);
  if (const auto* shown = std::get_if<std::string>(&entry.payload))
    json["payload"] = *shown;
  return json;
}

std::string on_one_line(const Json& json) {
  const Json text = without_bytes(json);
  const std::string line = text.dump();
  // The library escapes the controls that JSON forbids, and on demand all that is not ASCII.
  return machine::is_printable(line) ? line : text.dump(-1, ' ', true);
}

}  // namespace troupe::shell
