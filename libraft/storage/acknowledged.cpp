#include "storage/acknowledged.hpp"

#include "storage/record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <variant>

namespace troupe::storage {
namespace {

constexpr std::size_t acknowledged_bytes_max = 64;

/// "ACKNOWLEDGED.journal" was "WITNESS.journal".
std::string old_name(const std::string& name) {
  return "WITNESS" + name.substr(std::string(acknowledged_of_store).size());
}

/// What `file` holds. An empty file is one whose creator did not get to write it.
Outcome<std::uint64_t> read_number(const std::string& path, const File& file) {
  const auto read = read_start(path, file, acknowledged_bytes_max);
  if (const auto* error = std::get_if<StoreError>(&read))
    return *error;
  const auto& text = std::get<std::string>(read);
  if (text.empty())
    return std::uint64_t{0};
  Commit commit;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  if (auto problem = read_commit({bytes, text.size()}, commit)) {
    problem->text = path + ": " + problem->text;
    return *problem;
  }
  return commit.transaction;
}

Outcome<std::uint64_t> read_number_at(const std::string& path) {
  if (file_bytes(path) == 0)
    return std::uint64_t{0};
  const auto opened = open_file(path, O_RDONLY);
  if (const auto* error = std::get_if<StoreError>(&opened))
    return *error;
  return read_number(path, std::get<File>(opened));
}

}  // namespace

Outcome<std::uint64_t> read_acknowledged(const std::string& directory, const std::string& name) {
  const auto number = read_number_at(directory + '/' + name);
  if (std::holds_alternative<StoreError>(number))
    return number;
  const auto old = read_number_at(directory + '/' + old_name(name));
  if (std::holds_alternative<StoreError>(old))
    return old;
  // Both are there where an older program wrote to the store after a newer one.
  return std::max(std::get<std::uint64_t>(number), std::get<std::uint64_t>(old));
}

Outcome<AcknowledgedFile> AcknowledgedFile::open(const std::string& directory,
                                                 const std::string& name) {
  const auto number = read_acknowledged(directory, name);
  if (const auto* error = std::get_if<StoreError>(&number))
    return *error;
  const std::string path = directory + '/' + name;
  const std::string old_path = directory + '/' + old_name(name);
  const auto old = read_number_at(old_path);
  // The larger number stays.
  if (std::get<std::uint64_t>(old) == std::get<std::uint64_t>(number))
    std::rename(old_path.c_str(), path.c_str());
  else
    ::unlink(old_path.c_str());
  auto opened = open_file(path, O_RDWR | O_CREAT);
  if (auto* error = std::get_if<StoreError>(&opened))
    return *error;
  AcknowledgedFile file(path, std::move(std::get<File>(opened)));
  file.number_ = std::get<std::uint64_t>(number);
  return file;
}

std::optional<StoreError> AcknowledgedFile::acknowledge(std::uint64_t number) {
  number_ = number;
  auto problem = write_all(file_, path_, write_commit({.transaction = number}), 0);
  if (problem && problem->kind == StoreError::Kind::no_space)
    return std::nullopt;
  return problem;
}

}  // namespace troupe::storage
