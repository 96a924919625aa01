#pragma once

#include "storage/lmdb/lmdb_store.hpp"
#include "storage/store.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace troupe::storage {

/// A directory of its own, gone with all that is in it at the end.
class TempDirectory {
public:
  TempDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "troupe-storage-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory() {
    // Not in a forked child, which may get here on its way out.
    if (::getpid() == owner_)
      std::filesystem::remove_all(path_);
  }

  std::string path() const { return path_.string(); }

private:
  std::filesystem::path path_{};
  pid_t owner_ = ::getpid();
};

inline LmdbOptions options(const std::string& directory) {
  return {.directory = directory, .peers_max = 64, .journal_bytes = 0};
}

/// With a journal that is full after few writes.
inline LmdbOptions with_journal(const std::string& directory) {
  LmdbOptions how = options(directory);
  how.journal_bytes = 16 << 10;
  return how;
}

inline std::unique_ptr<Store> open_lmdb(const LmdbOptions& how) {
  auto opened = open_lmdb_store(how);
  if (const auto* error = std::get_if<StoreError>(&opened))
    FAIL(error->text);
  return std::move(std::get<std::unique_ptr<Store>>(opened));
}

inline std::unique_ptr<Store> open_lmdb(const std::string& directory) {
  return open_lmdb(options(directory));
}

/// The error that `outcome` must be.
template <class T>
StoreError error_of(const Outcome<T>& outcome) {
  REQUIRE(std::holds_alternative<StoreError>(outcome));
  return std::get<StoreError>(outcome);
}

template <class T>
T value_of(Outcome<T> outcome) {
  if (const auto* error = std::get_if<StoreError>(&outcome))
    FAIL(error->text);
  return std::get<T>(std::move(outcome));
}

inline Entry entry(std::uint64_t term, std::uint64_t index, std::string_view payload) {
  return {.id = {{term}, {index}}, .kind = EntryKind::command, .payload = Bytes::copy_of(payload)};
}

inline PeerRecord peer_record(std::uint64_t id) {
  return {.id = {id}, .name = "peer" + std::to_string(id), .kind = "map", .running = true};
}

/// A write of one peer in `term`: entries with these payloads, from `first` on.
inline PeerWrite write_of(std::uint64_t peer, std::uint64_t term, std::uint64_t first,
                          const std::vector<std::string>& payloads) {
  PeerWrite write{.peer = {peer}};
  write.write.hard_state = {.term = {term}, .voted_for = {peer}, .cluster = {99}};
  for (std::size_t i = 0; i < payloads.size(); ++i)
    write.write.entries.push_back(entry(term, first + i, payloads[i]));
  return write;
}

inline PeerWrite truncating(PeerWrite write, std::uint64_t from) {
  write.write.truncate_from = Index{from};
  return write;
}

}  // namespace troupe::storage
