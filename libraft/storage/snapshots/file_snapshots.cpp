#include "storage/snapshots/file_snapshots.hpp"

#include "core/assert.hpp"
#include "core/hexadecimal.hpp"
#include "storage/directory.hpp"
#include "storage/snapshots/snapshot_format.hpp"
#include "storage/step_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace troupe::storage {

namespace fs = std::filesystem;

namespace {

const std::string finished_suffix = ".snapshot";
const std::string received_suffix = ".received";
const std::string written_name = "written";

constexpr std::size_t scan_bytes = std::size_t{1} << 20;

/// Two snapshots of one place may differ, if one is damaged: the hash keeps them apart.
std::string name_of(const SnapshotHead& head) {
  return std::to_string(head.place.id.term.value) + "-" + std::to_string(head.place.id.index.value)
         + "-" + hexadecimal(head.hash);
}

StoreError in_file(const std::string& path, StoreError error) {
  error.text = path + ", " + error.text;
  return error;
}

/// Removes what need not be there. If it stays it takes space, and is tried again later.
void remove_file(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

/// Likewise, with all that is in it.
void remove_directory(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

/// Removes the files in `directory` that `wanted` wants.
template <class Wanted>
void remove_files(const fs::path& directory, Wanted wanted) {
  std::error_code failure;
  auto it = fs::directory_iterator(directory, failure);
  for (; !failure && it != fs::directory_iterator(); it.increment(failure)) {
    if (wanted(it->path()))
      remove_file(it->path());
  }
}

/// The index in a name that `name_of` made; the largest there is if it did not.
std::uint64_t index_in(const std::string& name) {
  std::uint64_t index = std::numeric_limits<std::uint64_t>::max();
  const std::size_t dash = name.find('-');
  if (dash != std::string::npos)
    std::from_chars(name.data() + dash + 1, name.data() + name.size(), index);
  return index;
}

/// Reads up to `length` bytes; fewer only at the end of the file.
Outcome<Bytes> read_at(const File& file, const std::string& path, std::uint64_t offset,
                       std::size_t length) {
  const auto buffer = std::make_shared<std::vector<std::uint8_t>>(length);
  std::size_t size = 0;
  while (size < length) {
    const ssize_t got =
        ::pread(file.fd(), buffer->data() + size, length - size, static_cast<off_t>(offset + size));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return system_error(path, "read", errno);
    if (got == 0)
      break;
    size += static_cast<std::size_t>(got);
  }
  return Bytes(buffer, {buffer->data(), size});
}

/// A finished snapshot to read from.
class Source {
public:
  explicit Source(std::string path)
      : path_(std::move(path)), file_(open_directly(path_, O_RDONLY)) {}

  ReadBytes reader() const {
    return [this](std::uint64_t offset, std::size_t length) -> Outcome<Bytes> {
      return file_.is_open() ? read_at(file_, path_, offset, length)
                             : corrupt("the file is missing");
    };
  }

private:
  std::string path_;
  File file_;
};

/// Feeds all there is to `scanner`.
Problem scan(const ReadBytes& read, SnapshotScanner& scanner) {
  for (std::uint64_t offset = 0;;) {
    const auto outcome = read(offset, scan_bytes);
    if (const auto* error = std::get_if<StoreError>(&outcome))
      return *error;
    const Bytes& bytes = std::get<Bytes>(outcome);
    if (bytes.empty())
      return std::nullopt;
    if (auto problem = scanner.feed(bytes.span()))
      return problem;
    offset += bytes.size();
  }
}

class FileSnapshots final : public Snapshots {
public:
  explicit FileSnapshots(fs::path directory) : directory_(std::move(directory)) {}

  /// Removes what a crash has left.
  Problem clean();

  std::optional<StoreError> begin(PeerId peer, const SnapshotTitle& title) override;
  std::optional<StoreError> append(PeerId peer, Bytes piece) override;
  Outcome<SnapshotHead> finish(PeerId peer) override;
  void abandon(PeerId peer) override;
  std::uint64_t received(PeerId peer, const SnapshotHead& head) override;
  Outcome<std::uint64_t> receive(PeerId peer, const SnapshotHead& head, std::uint64_t offset,
                                 Bytes bytes) override;
  Outcome<SnapshotTitle> title(PeerId peer, const SnapshotHead& head) override;
  Outcome<SnapshotPiece> piece(PeerId peer, const SnapshotHead& head,
                               std::uint64_t offset) override;
  Outcome<Bytes> bytes(PeerId peer, const SnapshotHead& head, std::uint64_t offset,
                       std::size_t length) override;
  std::optional<StoreError> check(PeerId peer, const SnapshotHead& head) override;
  void keep_only(PeerId peer, const std::optional<SnapshotHead>& head) override;
  void remove(PeerId peer) override;
  void remove_all_but(const std::set<PeerId>& peers) override;

private:
  struct Writing {
    StepFile file{};
    SnapshotWriter writer{{}};
  };
  struct Receiving {
    SnapshotHead head{};
    StepFile file{};
    SnapshotScanner scanner{};
  };
  struct Peer {
    std::optional<Writing> writing{};
    std::optional<Receiving> receiving{};
    PieceReader reader{};
    std::optional<SnapshotHead> damaged{};  ///< Finished here, and found to be damaged.
    bool names_are_durable = false;         ///< Those that processes before this one gave.
  };

  fs::path directory_of(PeerId peer) const { return directory_ / hexadecimal(peer.value); }
  std::string finished_path(PeerId peer, const SnapshotHead& head) const {
    return directory_of(peer) / (name_of(head) + finished_suffix);
  }
  std::string received_path(PeerId peer, const SnapshotHead& head) const {
    return directory_of(peer)
           / (name_of(head) + "-" + std::to_string(head.size_bytes) + received_suffix);
  }
  std::string written_path(PeerId peer) const { return directory_of(peer) / written_name; }

  Problem create_directory(PeerId peer);
  Problem write(Peer& peer, PeerId id, Value first, Value second);
  bool is_finished(const Peer& peer, PeerId id, const SnapshotHead& head) const;
  bool names_are_durable(Peer& peer, PeerId id);
  void resume(Peer& peer, PeerId id, const SnapshotHead& head);
  Problem start_receiving(Peer& peer, PeerId id, const SnapshotHead& head);
  void drop_received(Peer& peer, PeerId id);
  Problem take(Peer& peer, PeerId id, Value bytes);
  Problem complete(Peer& peer, PeerId id);
  StoreError damage(PeerId peer, const SnapshotHead& head, StoreError error);

  fs::path directory_;
  std::map<PeerId, Peer> peers_{};
};

Problem FileSnapshots::clean() {
  std::error_code failure;
  auto it = fs::recursive_directory_iterator(directory_, failure);
  for (; !failure && it != fs::recursive_directory_iterator(); it.increment(failure)) {
    if (it->path().filename() == written_name)
      remove_file(it->path());
  }
  if (failure && failure != std::errc::no_such_file_or_directory)
    return system_error(directory_, "read", failure.value());
  return std::nullopt;
}

Problem FileSnapshots::create_directory(PeerId peer) {
  const fs::path directory = directory_of(peer);
  if (auto problem = create_private_directories(directory))
    return problem;
  return refuse_if_others_can_write(directory);
}

// ---- one of our own

std::optional<StoreError> FileSnapshots::begin(PeerId id, const SnapshotTitle& title) {
  abandon(id);
  if (auto problem = create_directory(id))
    return problem;
  auto created = StepFile::create(written_path(id));
  if (auto* error = std::get_if<StoreError>(&created))
    return *error;
  Writing writing{std::move(std::get<StepFile>(created)), SnapshotWriter(title.place)};
  if (auto problem = writing.file.append(writing.writer.title(title), {})) {
    remove_file(written_path(id));
    return problem;
  }
  peers_[id].writing = std::move(writing);
  return std::nullopt;
}

std::optional<StoreError> FileSnapshots::append(PeerId id, Bytes piece) {
  Peer& peer = peers_[id];
  TROUPE_ASSERT(peer.writing);
  SnapshotWriter writer = peer.writing->writer;
  const std::vector<std::uint8_t> head = writer.head_of(piece.span());
  auto problem = write(peer, id, head, piece.span());
  if (!problem)
    peer.writing->writer = std::move(writer);
  return problem;
}

/// Appends to what the peer writes, which is gone if that fails for another reason than space.
Problem FileSnapshots::write(Peer& peer, PeerId id, Value first, Value second) {
  auto problem = peer.writing->file.append(first, second);
  if (problem && problem->kind != StoreError::Kind::no_space)
    abandon(id);
  return problem;
}

Outcome<SnapshotHead> FileSnapshots::finish(PeerId id) {
  Peer& peer = peers_[id];
  TROUPE_ASSERT(peer.writing);
  SnapshotWriter writer = peer.writing->writer;
  if (auto problem = write(peer, id, writer.end(), {}))
    return *problem;
  const SnapshotHead head = writer.head();
  if (auto problem = peer.writing->file.publish(finished_path(id, head))) {
    abandon(id);
    remove_file(finished_path(id, head));  // It may have its name, but not for good.
    return StoreError{StoreError::Kind::io, problem->text};
  }
  peer.writing.reset();
  if (peer.damaged == head)
    peer.damaged.reset();
  return head;
}

void FileSnapshots::abandon(PeerId id) {
  if (std::exchange(peers_[id].writing, std::nullopt))
    remove_file(written_path(id));
}

// ---- one of another peer

std::uint64_t FileSnapshots::received(PeerId id, const SnapshotHead& head) {
  Peer& peer = peers_[id];
  if ((!peer.receiving || peer.receiving->head != head) && !is_finished(peer, id, head))
    resume(peer, id, head);
  if (peer.receiving && peer.receiving->head == head)
    return peer.receiving->file.size();
  // It may have been whole, but for its name.
  return is_finished(peer, id, head) && names_are_durable(peer, id) ? head.size_bytes : 0;
}

/// A process before this one may have been killed before it had made them so.
bool FileSnapshots::names_are_durable(Peer& peer, PeerId id) {
  peer.names_are_durable = peer.names_are_durable || !sync_directory(directory_of(id));
  return peer.names_are_durable;
}

bool FileSnapshots::is_finished(const Peer& peer, PeerId id, const SnapshotHead& head) const {
  return head.size_bytes > 0 && peer.damaged != head
         && file_bytes(finished_path(id, head)) == head.size_bytes;
}

/// Goes on with what is there of `head`, as far as it is whole: a process before this one wrote it.
/// The rest is received again.
void FileSnapshots::resume(Peer& peer, PeerId id, const SnapshotHead& head) {
  const std::string path = received_path(id, head);
  if (file_bytes(path) == 0)
    return;
  Receiving receiving{.head = head};
  [[maybe_unused]] const Problem problem = scan(Source(path).reader(), receiving.scanner);
  receiving.scanner.rewind();
  const std::uint64_t sound = std::min(receiving.scanner.sound_upto(), head.size_bytes);
  auto resumed = StepFile::resume(path, sound);
  if (std::holds_alternative<StoreError>(resumed))
    return;
  receiving.file = std::move(std::get<StepFile>(resumed));
  drop_received(peer, id);
  peer.receiving = std::move(receiving);
  if (sound == head.size_bytes && complete(peer, id))
    drop_received(peer, id);
}

Problem FileSnapshots::start_receiving(Peer& peer, PeerId id, const SnapshotHead& head) {
  drop_received(peer, id);
  if (auto problem = create_directory(id))
    return problem;
  // Of a process before this one.
  remove_files(directory_of(id),
               [](const fs::path& path) { return path.extension() == received_suffix; });
  auto created = StepFile::create(received_path(id, head));
  if (auto* error = std::get_if<StoreError>(&created))
    return *error;
  peer.receiving = Receiving{.head = head, .file = std::move(std::get<StepFile>(created))};
  return std::nullopt;
}

void FileSnapshots::drop_received(Peer& peer, PeerId id) {
  if (peer.receiving)
    remove_file(received_path(id, peer.receiving->head));
  peer.receiving.reset();
}

Outcome<std::uint64_t> FileSnapshots::receive(PeerId id, const SnapshotHead& head,
                                              std::uint64_t offset, Bytes bytes) {
  const std::uint64_t upto = received(id, head);
  if (bytes.empty() || offset != upto || upto == head.size_bytes)
    return upto;
  Peer& peer = peers_[id];
  if (!peer.receiving || peer.receiving->head != head)
    if (auto problem = start_receiving(peer, id, head))
      return *problem;
  if (auto problem = take(peer, id, bytes.span())) {
    if (problem->kind == StoreError::Kind::no_space)
      return *problem;
    drop_received(peer, id);
    return problem->kind == StoreError::Kind::io ? *problem
                                                 : in_file(received_path(id, head), *problem);
  }
  return upto + bytes.size();
}

/// Appends to what is being received. With the last bytes it is finished.
Problem FileSnapshots::take(Peer& peer, PeerId id, Value bytes) {
  Receiving& receiving = *peer.receiving;
  const SnapshotHead& head = receiving.head;
  if (bytes.size() > head.size_bytes - receiving.file.size())
    return corrupt_at(0, receiving.file.size(), "more bytes than the snapshot has");
  if (auto problem = receiving.file.append(bytes, {}))
    return problem;
  if (auto problem = receiving.scanner.feed(bytes))
    return problem;
  return receiving.file.size() < head.size_bytes ? std::nullopt : complete(peer, id);
}

/// All that is being received is there: makes it a finished one, if it is sound.
Problem FileSnapshots::complete(Peer& peer, PeerId id) {
  Receiving& receiving = *peer.receiving;
  const SnapshotHead& head = receiving.head;
  if (auto problem = receiving.scanner.finish(head))
    return problem;
  if (auto problem = receiving.file.publish(finished_path(id, head))) {
    remove_file(finished_path(id, head));  // It may have its name, but not for good.
    return StoreError{StoreError::Kind::io, problem->text};
  }
  if (peer.damaged == head)
    peer.damaged.reset();
  peer.receiving.reset();
  return std::nullopt;
}

// ---- finished ones

/// Says which file it is in, and remembers not to count on it.
StoreError FileSnapshots::damage(PeerId peer, const SnapshotHead& head, StoreError error) {
  if (error.kind == StoreError::Kind::io)
    return error;
  peers_[peer].damaged = head;
  return in_file(finished_path(peer, head), std::move(error));
}

Outcome<SnapshotTitle> FileSnapshots::title(PeerId peer, const SnapshotHead& head) {
  const Source source(finished_path(peer, head));
  auto outcome = read_title(source.reader(), head);
  if (auto* error = std::get_if<StoreError>(&outcome))
    return damage(peer, head, std::move(*error));
  return outcome;
}

Outcome<SnapshotPiece> FileSnapshots::piece(PeerId peer, const SnapshotHead& head,
                                            std::uint64_t offset) {
  const Source source(finished_path(peer, head));
  auto outcome = peers_[peer].reader.read(source.reader(), head, offset);
  if (auto* error = std::get_if<StoreError>(&outcome))
    return damage(peer, head, std::move(*error));
  return outcome;
}

Outcome<Bytes> FileSnapshots::bytes(PeerId peer, const SnapshotHead& head, std::uint64_t offset,
                                    std::size_t length) {
  const Source source(finished_path(peer, head));
  auto outcome = source.reader()(offset, length);
  if (auto* error = std::get_if<StoreError>(&outcome))
    return damage(peer, head, std::move(*error));
  return outcome;
}

std::optional<StoreError> FileSnapshots::check(PeerId peer, const SnapshotHead& head) {
  const Source source(finished_path(peer, head));
  SnapshotScanner scanner;
  Problem problem = scan(source.reader(), scanner);
  if (!problem)
    problem = scanner.finish(head);
  return problem ? Problem(damage(peer, head, std::move(*problem))) : std::nullopt;
}

void FileSnapshots::keep_only(PeerId peer, const std::optional<SnapshotHead>& head) {
  const std::string kept = head ? name_of(*head) + finished_suffix : "";
  const auto& receiving = peers_[peer].receiving;
  const std::string wanted =
      receiving ? fs::path(received_path(peer, receiving->head)).filename().string() : "";
  remove_files(directory_of(peer), [&](const fs::path& path) {
    const std::string name = path.filename().string();
    if (path.extension() == finished_suffix)
      return name != kept;
    // What a process before this one was receiving is of no use once we have as much.
    return head && path.extension() == received_suffix && name != wanted
           && index_in(name) <= head->place.id.index.value;
  });
}

void FileSnapshots::remove(PeerId peer) {
  peers_.erase(peer);
  remove_directory(directory_of(peer));
}

void FileSnapshots::remove_all_but(const std::set<PeerId>& peers) {
  std::erase_if(peers_, [&](const auto& peer) { return !peers.contains(peer.first); });
  std::set<std::string> kept;
  for (const PeerId peer : peers)
    kept.insert(hexadecimal(peer.value));
  std::vector<fs::path> gone;
  std::error_code failure;
  auto it = fs::directory_iterator(directory_, failure);
  for (; !failure && it != fs::directory_iterator(); it.increment(failure)) {
    const std::string name = it->path().filename().string();
    if (name.size() == hexadecimal(0).size() && !kept.contains(name))
      gone.push_back(it->path());
  }
  for (const fs::path& directory : gone)
    remove_directory(directory);
}

}  // namespace

Outcome<std::unique_ptr<Snapshots>> open_snapshots(const std::string& directory) {
  const fs::path shelf = fs::path(directory) / "snapshots";
  std::error_code failure;
  if (fs::exists(shelf, failure))
    if (auto problem = refuse_if_others_can_write(shelf))
      return *problem;
  auto snapshots = std::make_unique<FileSnapshots>(shelf);
  if (auto problem = snapshots->clean())
    return *problem;
  return snapshots;
}

}  // namespace troupe::storage
