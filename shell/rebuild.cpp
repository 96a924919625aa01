#include "shell/rebuild.hpp"

#include "actors/runtime/line_writer.hpp"
#include "actors/runtime/logger.hpp"
#include "storage/lmdb/lmdb_store.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

namespace troupe::shell {

namespace {

using storage::StoreError;

constexpr std::string_view set_back_suffix = ".set-back-";

/// Why the directory is of no use to its node, and how it is called from then on.
struct Uselessness {
  std::string text{};
  std::string suffix{};
};

std::optional<Uselessness> if_corrupt(const StoreError& error) {
  if (error.kind != StoreError::Kind::corrupt)
    return std::nullopt;
  return Uselessness{.text = error.text, .suffix = ".corrupt-"};
}

std::optional<Uselessness> uselessness_of(const std::string& directory) {
  auto opened = storage::open_lmdb_store({.directory = directory});
  if (auto* error = std::get_if<StoreError>(&opened))
    return if_corrupt(*error);
  const auto& store = std::get<std::unique_ptr<storage::Store>>(opened);
  auto peers = store->peers();
  if (auto* error = std::get_if<StoreError>(&peers))
    return if_corrupt(*error);
  for (const auto& peer : std::get<std::vector<storage::PeerRecord>>(peers)) {
    auto recovered = store->recover(peer.id);
    if (auto* error = std::get_if<StoreError>(&recovered))
      return if_corrupt(*error);
    if (std::get<Recovered>(recovered).hard_state.set_back)
      return Uselessness{.text = "the disk of " + peer.name + " was set back",
                         .suffix = std::string(set_back_suffix)};
  }
  return std::nullopt;
}

bool set_aside(const std::string& directory, const Uselessness& useless) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::filesystem::path from(directory);
  if (!from.has_filename())
    from = from.parent_path();  // "dir/" is "dir".
  const std::string to =
      from.string() + useless.suffix
      + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  std::error_code problem;
  std::filesystem::rename(from, to, problem);
  if (problem) {
    actors::print_error("error: " + useless.text + "; cannot be set aside as " + to + ": "
                        + problem.message());
    return false;
  }
  actors::print_line("set aside as " + to + ": " + useless.text);
  return true;
}

}  // namespace

bool set_aside_if_corrupt(const std::string& directory) {
  if (!std::filesystem::exists(directory))
    return true;
  const std::optional<Uselessness> useless = uselessness_of(directory);
  return !useless || set_aside(directory, *useless);
}

bool set_aside_as_set_back(const std::string& directory, const std::string& why) {
  return set_aside(directory, {.text = why, .suffix = std::string(set_back_suffix)});
}

}  // namespace troupe::shell
