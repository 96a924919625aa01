#include "shell/rebuild.hpp"

#include "actors/line_writer.hpp"
#include "actors/logger.hpp"
#include "storage/lmdb_store.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <variant>
#include <vector>

namespace troupe::shell {

namespace {

using storage::StoreError;

std::optional<StoreError> error_of(const std::string& directory) {
  auto opened = storage::open_lmdb_store({.directory = directory});
  if (auto* error = std::get_if<StoreError>(&opened))
    return std::move(*error);
  const auto& store = std::get<std::unique_ptr<storage::Store>>(opened);
  auto peers = store->peers();
  if (auto* error = std::get_if<StoreError>(&peers))
    return std::move(*error);
  for (const auto& peer : std::get<std::vector<storage::PeerRecord>>(peers)) {
    auto recovered = store->recover(peer.id);
    if (auto* error = std::get_if<StoreError>(&recovered))
      return std::move(*error);
  }
  return std::nullopt;
}

}  // namespace

bool set_aside_if_corrupt(const std::string& directory) {
  if (!std::filesystem::exists(directory))
    return true;
  const std::optional<StoreError> error = error_of(directory);
  if (!error || error->kind != StoreError::Kind::corrupt)
    return true;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::filesystem::path from(directory);
  if (!from.has_filename())
    from = from.parent_path();  // "dir/" is "dir".
  const std::string to =
      from.string() + ".corrupt-"
      + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  std::error_code problem;
  std::filesystem::rename(from, to, problem);
  if (problem) {
    actors::print_error("error: " + error->text + "; cannot be set aside as " + to + ": "
                        + problem.message());
    return false;
  }
  actors::print_line("set aside as " + to + ": " + error->text);
  return true;
}

}  // namespace troupe::shell
