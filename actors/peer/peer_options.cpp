#include "actors/peer/peer_options.hpp"

#include "actors/runtime/address.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>

namespace troupe::actors {
namespace {

constexpr std::size_t peer_name_max = 64;

/// Configurations are entries, and every decision counts their members.
constexpr std::size_t members_max = 64;

/// What one entry or one append request may take of a frame; the rest is for heads.
constexpr std::size_t payload_bytes_max = wire::frame_body_bytes_max / 2;

/// A day: longer than any timeout that is meant.
constexpr std::uint64_t duration_ms_max = 24ULL * 60 * 60 * 1000;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
         || c == '-';
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

struct DurationOption {
  std::string_view name{};
  Duration EngineOptions::*member = nullptr;
};
constexpr DurationOption durations[] = {
    {"election_timeout_min_ms", &EngineOptions::election_timeout_min},
    {"election_timeout_max_ms", &EngineOptions::election_timeout_max},
    {"heartbeat_interval_ms", &EngineOptions::heartbeat_interval},
    {"catch_up_timeout_ms", &EngineOptions::catch_up_timeout},
    {"clock_error_ms", &EngineOptions::clock_error},
    {"quiet_after_ms", &EngineOptions::quiet_after},
    {"quiet_interval_ms", &EngineOptions::quiet_interval},
    {"disk_stall_max_ms", &EngineOptions::disk_stall_max},
};

struct SizeOption {
  std::string_view name{};
  std::size_t EngineOptions::*member = nullptr;
};
constexpr SizeOption sizes[] = {
    {"append_bytes_max", &EngineOptions::append_bytes_max},
    {"window_bytes_max", &EngineOptions::window_bytes_max},
    {"window_messages_max", &EngineOptions::window_messages_max},
    {"uncommitted_bytes_max", &EngineOptions::uncommitted_bytes_max},
    {"entry_bytes_max", &EngineOptions::entry_bytes_max},
    {"snapshot_entries", &EngineOptions::snapshot_entries},
    {"snapshot_bytes", &EngineOptions::snapshot_bytes},
    {"snapshot_keep_entries", &EngineOptions::snapshot_keep_entries},
    {"snapshot_keep_bytes", &EngineOptions::snapshot_keep_bytes},
    {"cut_entries_max", &EngineOptions::cut_entries_max},
    {"clean_entries_min", &EngineOptions::clean_entries_min},
    {"clean_entries_max", &EngineOptions::clean_entries_max},
};

/// All that there are: "cleaning, election_timeout_min_ms, ...".
std::string option_names() {
  std::string names = "cleaning";
  for (const DurationOption& option : durations)
    names.append(", ").append(option.name);
  for (const SizeOption& option : sizes)
    names.append(", ").append(option.name);
  return names;
}

/// The reason why the option `name` can't be set to `text`.
std::string wrong_option(const std::string& name, const std::string& text) {
  constexpr std::size_t quoted_bytes_max = 64;
  const std::string quoted = name.substr(0, quoted_bytes_max);
  const std::string but = ", not '" + text.substr(0, quoted_bytes_max) + "'";
  const auto is_it = [&](const auto& option) { return option.name == name; };
  if (std::ranges::any_of(durations, is_it))
    return quoted + " is a number of milliseconds up to " + std::to_string(duration_ms_max) + but;
  if (std::ranges::any_of(sizes, is_it))
    return quoted + " is a whole number" + but;
  if (name == "cleaning")
    return "cleaning is 0 or 1" + but;
  return "no option " + quoted + "; there are " + option_names();
}

/// False if there is no such option, or the number is not one for it.
bool set(EngineOptions& options, std::string_view name, std::uint64_t value) {
  for (const DurationOption& option : durations)
    if (option.name == name) {
      if (value > duration_ms_max)
        return false;
      options.*option.member = std::chrono::milliseconds(value);
      return true;
    }
  for (const SizeOption& option : sizes)
    if (option.name == name) {
      options.*option.member = static_cast<std::size_t>(value);
      return true;
    }
  if (name == "cleaning" && value <= 1) {
    options.cleaning = value == 1;
    return true;
  }
  return false;
}

}  // namespace

bool valid_peer_name(std::string_view name) {
  return !name.empty() && name.size() <= peer_name_max
         && std::ranges::all_of(name, is_name_character);
}

Result<EngineOptions> with_options(
    EngineOptions options, const std::vector<std::pair<std::string, std::string>>& changes) {
  for (const auto& [name, text] : changes) {
    const auto value = to_number(text);
    if (!value || !set(options, name, *value))
      return {Refusal::invalid, wrong_option(name, text)};
  }
  if (std::string wrong = problem(options); !wrong.empty())
    return {Refusal::invalid, std::move(wrong)};
  if (options.entry_bytes_max > payload_bytes_max || options.append_bytes_max > payload_bytes_max)
    return {Refusal::invalid, "entry_bytes_max and append_bytes_max must be at most "
                                  + std::to_string(payload_bytes_max)};
  return options;
}

Result<std::vector<NamedMember>> parse_members(const std::vector<std::string>& texts,
                                               const std::string& own_address) {
  if (texts.empty() || texts.size() > members_max)
    return {Refusal::invalid, "between 1 and " + std::to_string(members_max) + " members"};
  std::vector<NamedMember> members;
  for (const std::string& text : texts) {
    const bool local = text.find('@') == std::string::npos;
    const auto full =
        parse_full_name(local ? std::string(text).append("@").append(own_address) : text);
    if (!full && !local)
      return {Refusal::invalid, "member " + problem_of_full_name(text)};
    if (!full || !valid_peer_name(full->name))
      return {Refusal::invalid, "member " + text};
    NamedMember member{.name = full->name, .address = full->address};
    if (std::ranges::find(members, member.name, &NamedMember::name) != members.end())
      return {Refusal::invalid, "two members named " + member.name};
    members.push_back(std::move(member));
  }
  return members;
}

}  // namespace troupe::actors
