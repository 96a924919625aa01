#include "storage/journal/journal.hpp"

#include "core/assert.hpp"
#include "storage/journal/journal_generated.h"

#include <xxhash.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>

namespace troupe::storage {

namespace {

constexpr std::uint32_t journal_format = 2;
constexpr std::uint64_t sector_bytes = 512;
/// Of the head, which is in nobody's way.
constexpr std::uint64_t begin_bytes = 4096;
/// A smaller one moves what it holds too often to be worth it.
constexpr std::uint64_t bytes_min = std::uint64_t{256} << 10;

std::uint64_t whole_sectors(std::uint64_t bytes) {
  return (bytes + sector_bytes - 1) / sector_bytes * sector_bytes;
}

std::uint64_t hash_of(std::uint64_t salt, std::uint64_t number, Value batch) {
  return XXH3_64bits_withSeed(batch.data(), batch.size(), salt + number);
}

std::uint32_t seal_of(std::uint64_t salt, std::uint64_t number, std::uint64_t size) {
  const std::array sealed = {number, size};
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(sealed.data(), sizeof(sealed), salt));
}

std::uint64_t hash_of(const schema::JournalFile& head) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(&head) + sizeof(std::uint64_t);
  return XXH3_64bits(from, sizeof(head) - sizeof(std::uint64_t));
}

schema::JournalFile file_head(std::uint64_t bytes, std::uint64_t salt) {
  const schema::JournalFile unsealed(0, journal_format, bytes, salt);
  return {hash_of(unsealed), journal_format, bytes, salt};
}

std::uint64_t draw_salt() {
  std::random_device device;
  return std::uniform_int_distribution<std::uint64_t>()(device);
}

/// A record that is whole.
struct Record {
  std::uint64_t number = 0;
  Value batch{};
};

/// The one at `from` of a file or of its half, if it is sound. What clients wrote may look like the
/// head of a long record in every sector: the seal tells, before all that is hashed.
std::optional<Record> record_at(Value all, std::uint64_t from, std::uint64_t salt) {
  schema::JournalHead head;
  if (from > all.size() || all.size() - from < sizeof(head))
    return std::nullopt;
  std::memcpy(static_cast<void*>(&head), all.data() + from, sizeof(head));
  const Value behind = all.subspan(from + sizeof(head));
  if (head.seal() != seal_of(salt, head.number(), head.size()) || head.size() > behind.size()
      || hash_of(salt, head.number(), behind.first(head.size())) != head.hash())
    return std::nullopt;
  return Record{head.number(), behind.first(head.size())};
}

Outcome<std::vector<std::uint8_t>> read_all(const File& file, const std::string& path,
                                            std::uint64_t bytes) {
  std::vector<std::uint8_t> all(bytes);
  std::size_t size = 0;
  while (size < all.size()) {
    const ssize_t count =
        ::pread(file.fd(), all.data() + size, all.size() - size, static_cast<off_t>(size));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return system_error(path, "read", errno);
    if (count == 0)
      return corrupt(path + ": is shorter than it was");
    size += static_cast<std::size_t>(count);
  }
  return all;
}

/// `wanted`, but no more than a small part of what is free: it is of use only while the store
/// behind it can grow. A disk without so much has no room for a journal.
Outcome<std::uint64_t> size_on_disk(const std::string& directory, std::uint64_t wanted) {
  constexpr std::uint64_t part = 16;
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) != 0)
    return system_error(directory, "look at", errno);
  const std::uint64_t most = std::uint64_t{status.f_bavail} * status.f_frsize / part;
  if (most < std::min(wanted, bytes_min))
    return StoreError{StoreError::Kind::no_space, directory + ": has no room for a journal"};
  return whole_sectors(std::min(wanted, most));
}

std::string described(const std::string& path, std::uint64_t number, const std::string& what) {
  return path + ", record " + std::to_string(number) + ": " + what;
}

/// Whether there must have been one.
Problem missing(const std::string& path, std::uint64_t applied, std::uint64_t acknowledged) {
  if (applied == 0 && acknowledged == 0)
    return std::nullopt;
  return corrupt(path + ": is missing, though record "
                 + std::to_string(std::max(applied, acknowledged)) + " was written");
}

}  // namespace

std::string journal_file(const std::string& directory) {
  return directory + "/journal";
}

Outcome<Journal> Journal::open(const Options& options, const Take& take) {
  const std::string path = journal_file(options.directory);
  File file = open_directly(path, O_RDWR);
  if (!file.is_open() && errno != ENOENT)
    return system_error(path, "open", errno);
  if (file.is_open()) {
    Journal journal(std::move(file), path, file_bytes(path));
    if (auto problem = journal.read(options, take))
      return *problem;
    return journal;
  }
  if (auto problem = missing(path, options.applied, options.acknowledged))
    return *problem;
  const auto bytes = size_on_disk(options.directory, std::max(options.bytes, 2 * begin_bytes));
  if (const auto* error = std::get_if<StoreError>(&bytes))
    return *error;
  Journal journal(File{}, path, std::get<std::uint64_t>(bytes));
  if (auto problem = journal.create())
    return *problem;
  journal.restart();
  return journal;
}

Problem Journal::look(const Options& options, const Take& take) {
  const std::string path = journal_file(options.directory);
  File file = open_directly(path, O_RDONLY);
  if (file.is_open())
    return Journal(std::move(file), path, file_bytes(path)).read(options, take);
  if (errno != ENOENT)
    return system_error(path, "open", errno);
  return missing(path, options.applied, options.acknowledged);
}

/// All of it is written once: only then does a sync of what is overwritten later concern nothing
/// but those bytes. It gets its name when it is whole.
Problem Journal::create() {
  const std::string unnamed = path_ + ".new";
  file_ = open_directly(unnamed, O_RDWR | O_CREAT | O_TRUNC);
  if (!file_.is_open())
    return system_error(unnamed, "create", errno);
  if (const int code = ::posix_fallocate(file_.fd(), 0, static_cast<off_t>(bytes_)))
    return system_error(unnamed, "reserve", code);
  std::vector<std::uint8_t> zeros(std::min<std::uint64_t>(bytes_, std::uint64_t{1} << 20));
  for (std::uint64_t offset = 0; offset < bytes_; offset += zeros.size()) {
    const Value some = Value(zeros).first(std::min<std::uint64_t>(zeros.size(), bytes_ - offset));
    if (auto problem = write_all(file_, unnamed, some, offset))
      return problem;
  }
  salt_ = draw_salt();
  const schema::JournalFile head = file_head(bytes_, salt_);
  if (auto problem = write_all(file_, unnamed,
                               {reinterpret_cast<const std::uint8_t*>(&head), sizeof(head)}, 0))
    return problem;
  if (::fsync(file_.fd()) != 0)
    return system_error(unnamed, "sync", errno);
  if (std::rename(unnamed.c_str(), path_.c_str()) != 0)
    return system_error(path_, "name", errno);
  return sync_directory(path_.substr(0, path_.rfind('/')));
}

/// Records with a number up to `applied` are what stood there before a half was begun anew. The
/// store gets a half as a whole: the record behind `applied` begins one, or is nowhere.
Problem Journal::read(const Options& options, const Take& take) {
  auto outcome = read_all(file_, path_, bytes_);
  if (auto* error = std::get_if<StoreError>(&outcome))
    return *error;
  const Value all = std::get<std::vector<std::uint8_t>>(outcome);
  if (auto problem = read_head(all))
    return problem;
  last_ = options.applied;
  half_ = 0;
  restart();
  const auto first = record_at(all, begin_of(0), salt_);
  const unsigned older = first && first->number == last_ + 1 ? 0 : 1;
  for (const unsigned half : {older, 1 - older})
    if (auto problem = read_half(all, half, take))
      return problem;
  if (last_ < options.acknowledged)
    return corrupt(described(path_, last_ + 1,
                             "is damaged or missing, though record "
                                 + std::to_string(options.acknowledged) + " was acknowledged"));
  return find_later(all);
}

Problem Journal::read_head(Value all) {
  schema::JournalFile head;
  if (all.size() < begin_bytes)
    return corrupt(path_ + ": is shorter than it was");
  std::memcpy(static_cast<void*>(&head), all.data(), sizeof(head));
  if (head.hash() != hash_of(head) || head.bytes() != bytes_)
    return corrupt(path_ + ": checksum mismatch");
  if (head.format() != journal_format)
    return StoreError{StoreError::Kind::version,
                      path_ + ": written in format " + std::to_string(head.format())};
  salt_ = head.salt();
  return std::nullopt;
}

/// What continues the records so far.
Problem Journal::read_half(Value all, unsigned half, const Take& take) {
  const Value until_end = all.first(end_of(half));
  std::uint64_t at = begin_of(half);
  for (auto record = record_at(until_end, at, salt_); record && record->number == last_ + 1;
       record = record_at(until_end, at, salt_)) {
    if (auto problem = take(record->batch)) {
      problem->text = described(path_, record->number, problem->text);
      return problem;
    }
    last_ = record->number;
    at += whole_sectors(sizeof(schema::JournalHead) + record->batch.size());
    half_ = half;
    end_ = at;
  }
  return std::nullopt;
}

/// Nothing that was written later than the last record may stand anywhere: it was not begun before
/// the one between them was durable.
Problem Journal::find_later(Value all) const {
  for (std::uint64_t at = begin_bytes; at < all.size(); at += sector_bytes)
    if (const auto record = record_at(all, at, salt_); record && record->number > last_)
      return corrupt(described(
          path_, last_ + 1,
          "is damaged or missing, though record " + std::to_string(record->number) + " is there"));
  return std::nullopt;
}

std::uint64_t Journal::begin_of(unsigned half) const {
  const std::uint64_t each = (bytes_ - begin_bytes) / 2 / sector_bytes * sector_bytes;
  return begin_bytes + half * each;
}

std::uint64_t Journal::record_bytes_max() const {
  const std::uint64_t room = end_of(0) - begin_of(0) - sizeof(schema::JournalHead);
  return std::min<std::uint64_t>(room, std::numeric_limits<std::uint32_t>::max());
}

bool Journal::has_room(std::size_t bytes) const {
  return whole_sectors(sizeof(schema::JournalHead) + bytes) <= end_of(half_) - end_;
}

void Journal::turn() {
  half_ = 1 - half_;
  restart();
}

Problem Journal::append(Value record) {
  TROUPE_ASSERT(has_room(record.size()));
  const schema::JournalHead head(hash_of(salt_, last_ + 1, record), last_ + 1,
                                 static_cast<std::uint32_t>(record.size()),
                                 seal_of(salt_, last_ + 1, record.size()));
  const std::uint64_t bytes = whole_sectors(sizeof(head) + record.size());
  buffer_.resize(bytes);
  std::memcpy(buffer_.data(), &head, sizeof(head));
  std::memcpy(buffer_.data() + sizeof(head), record.data(), record.size());
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(sizeof(head) + record.size()),
            buffer_.end(), std::uint8_t{0});
  if (auto problem = write_all(file_, path_, buffer_, end_))
    return StoreError{StoreError::Kind::io, problem->text};
  if (::fdatasync(file_.fd()) != 0)
    return StoreError{StoreError::Kind::io, system_error(path_, "sync", errno).text};
  end_ += bytes;
  ++last_;
  return std::nullopt;
}

}  // namespace troupe::storage
