#include "storage/lmdb/lmdb_create.hpp"

#include "storage/directory.hpp"
#include "storage/lmdb/lmdb_room.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace troupe::storage {

namespace {

namespace fs = std::filesystem;

Problem sync_file(const std::string& path) {
  const File file = open_directly(path, O_RDWR);
  if (!file.is_open())
    return system_error(path, "open", errno);
  return ::fsync(file.fd()) == 0 ? std::nullopt : Problem(system_error(path, "sync", errno));
}

/// Has LMDB write its first pages in `directory`, and waits until they are durable.
Problem create_durably(const std::string& directory) {
  if (auto problem = reserve_lock_file(directory))
    return problem;
  {
    const auto opened = open_environment(directory, {.access = Access::write, .tables_max = 1});
    if (const auto* error = std::get_if<StoreError>(&opened))
      return *error;
  }
  return sync_file(data_file(directory));
}

}  // namespace

Problem create_data_file(const std::string& directory) {
  const std::string cradle = directory + "/newborn";
  std::error_code failure;
  fs::remove_all(cradle, failure);  // Of one who was interrupted.
  if (failure)
    return system_error(cradle, "create", failure.value());
  if (auto problem = create_private_directories(cradle))
    return problem;
  Problem problem = create_durably(cradle);
  if (!problem && ::rename(data_file(cradle).c_str(), data_file(directory).c_str()) != 0)
    problem = system_error(data_file(directory), "create", errno);
  fs::remove_all(cradle, failure);  // If it stays, it goes the next time.
  if (problem)
    return problem;
  return sync_directory(directory);
}

}  // namespace troupe::storage
