#include "storage/lmdb/lmdb_store.hpp"
#include "test/fuzz/draw.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::fuzz {

namespace {

namespace fs = std::filesystem;
using storage::PeerWrite;
using storage::Store;
using storage::StoreError;

/// In memory where there is such a place: thousands of stores are written.
fs::path parent() {
  const fs::path memory = "/dev/shm";
  return ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
}

class Directory {
public:
  Directory() {
    std::string path = (parent() / "troupe-fuzz-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr)
      std::abort();
    path_ = path;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    // Not in a forked child, which may get here on its way out.
    if (::getpid() == owner_)
      fs::remove_all(path_);
  }
  std::string path() const { return path_.string(); }

private:
  fs::path path_{};
  pid_t owner_ = ::getpid();
};

storage::Outcome<std::unique_ptr<Store>> open(const std::string& directory) {
  return storage::open_lmdb_store({.directory = directory,
                                   .head_room_bytes = std::uint64_t{1} << 16,
                                   .peers_max = 8,
                                   .journal_bytes = std::uint64_t{64} << 10,
                                   .check_in_child = true});
}

PeerWrite write_of(std::uint64_t peer, std::uint64_t first, std::size_t payload_bytes) {
  PeerWrite write{.peer = {peer}};
  write.write.hard_state = {.term = {3}, .voted_for = {peer}, .cluster = {77}};
  for (std::uint64_t index = first; index < first + 6; ++index)
    write.write.entries.push_back(
        {.id = {{3}, {index}},
         .kind = EntryKind::command,
         .payload = Bytes::copy_of(std::string(payload_bytes + index, 'x'))});
  return write;
}

/// A small store of two peers, as the bytes of its files, and what it says.
struct Image {
  std::vector<std::pair<std::string, std::string>> files{};
  std::vector<Recovered> expected{};
};

std::vector<Recovered> recover_all(Store& store, bool& refused) {
  std::vector<Recovered> all;
  for (const std::uint64_t peer : {1u, 2u}) {
    auto outcome = store.recover({peer});
    if (auto* recovered = std::get_if<Recovered>(&outcome))
      all.push_back(std::move(*recovered));
    else
      refused = true;
  }
  return all;
}

/// Six entries of each peer in a write.
void write_some(Store& store, std::uint64_t first, std::uint64_t upto) {
  for (; first < upto; first += 6) {
    const std::vector<PeerWrite> writes{write_of(1, first, 20), write_of(2, first, 900)};
    if (store.write(writes))
      std::abort();
  }
}

/// Half of it is still in the journal, as if the process had been killed.
Image make_image() {
  const Directory directory;
  Image image;
  auto opened = open(directory.path());
  if (std::holds_alternative<StoreError>(opened))
    std::abort();
  Store& store = *std::get<std::unique_ptr<Store>>(opened);
  for (const std::uint64_t peer : {1u, 2u})
    if (store.put_peer({.id = {peer},
                        .name = "peer" + std::to_string(peer),
                        .kind = "kv_store",
                        .running = true}))
      std::abort();
  write_some(store, 1, 19);
  bool refused = false;
  (void)recover_all(store, refused);  // Empties the journal.
  write_some(store, 19, 40);
  for (const auto& file : fs::directory_iterator(directory.path())) {
    std::ifstream in(file.path(), std::ios::binary);
    image.files.emplace_back(file.path().filename().string(),
                             std::string(std::istreambuf_iterator<char>(in), {}));
  }
  std::sort(image.files.begin(), image.files.end());
  image.expected = recover_all(store, refused);
  if (refused)
    std::abort();
  return image;
}

const Image& image() {
  static const Image made = make_image();
  return made;
}

/// Each change is a place and what becomes of the bytes there.
void damage(std::string& bytes, Draw& draw) {
  constexpr std::size_t page = 4096;
  if (bytes.empty())
    return;
  const std::size_t pages = (bytes.size() + page - 1) / page;
  const std::size_t from = draw.byte() % pages * page;
  const std::size_t at = (from + (draw.byte() * 256u + draw.byte()) % page) % bytes.size();
  switch (draw.below(5)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ static_cast<int>(1 + draw.below(255)));
      break;
    case 1:
      for (std::size_t i = at; i < std::min(bytes.size(), at + 512); ++i)
        bytes[i] = '\0';
      break;
    case 2: {
      const std::size_t other = draw.byte() % pages * page;
      for (std::size_t i = 0; i < page && std::max(from, other) + i < bytes.size(); ++i)
        std::swap(bytes[from + i], bytes[other + i]);
      break;
    }
    case 3:
      bytes.replace(at, std::min<std::size_t>(8, bytes.size() - at), text(draw.take(8)));
      break;
    default:
      bytes.resize(at);
  }
}

bool is_same(const std::vector<Recovered>& a, const std::vector<Recovered>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Recovered& one, const Recovered& other) {
                      return one.hard_state == other.hard_state && one.before == other.before
                             && one.entries == other.entries && one.snapshot == other.snapshot;
                    });
}

/// Mostly where the data is.
std::string draw_file(Draw& draw) {
  switch (draw.below(8)) {
    case 0:
      return "ACKNOWLEDGED";
    case 1:
      return "ACKNOWLEDGED.journal";
    case 2:
    case 3:
      return "journal";
    default:
      return "data.mdb";
  }
}

/// A store whose files were damaged while nobody looked: it is refused, or it is as it was. It is
/// never another one, and never the end of the process that opens it.
Problem run(Input input) {
  Draw draw(input);
  Image damaged = image();
  // One file: who loses what was acknowledged, and all that knows of it, cannot tell.
  const std::string damaged_one = draw_file(draw);
  for (int i = 0; i < 4 && !draw.at_end(); ++i)
    for (auto& [name, content] : damaged.files)
      if (name == damaged_one)
        damage(content, draw);
  const Directory directory;
  for (const auto& [name, content] : damaged.files)
    std::ofstream(fs::path(directory.path()) / name, std::ios::binary) << content;
  auto opened = open(directory.path());
  if (const auto* error = std::get_if<StoreError>(&opened))
    return error->text.empty() ? Problem("refused without a reason") : std::nullopt;
  bool refused = false;
  const std::vector<Recovered> found =
      recover_all(*std::get<std::unique_ptr<Store>>(opened), refused);
  if (!refused && !is_same(found, image().expected))
    return "a damaged store was taken for another";
  return std::nullopt;
}

std::vector<std::string> seeds() {
  // The file, then a page, a place there and what becomes of it.
  return {std::string("\4\2\0\50\0\1", 6),
          std::string("\4\3\1\50\1", 5),
          std::string("\4\2\0\50\2\4\1\0\50\0\7", 11),
          std::string("\0\0\0\4\0\1", 6),
          std::string("\4\6\0\50\4", 5),
          std::string("\1\0\0\0\4", 5),
          std::string("\2\1\0\50\0\1", 6),
          std::string("\2\2\0\50\1", 5),
          std::string("\2\3\0\0\4", 5),
          std::string("\3\1\0\0\2\2", 6)};
}

}  // namespace

Target store_target() {
  return {.name = "store",
          .summary = "opening a store whose files were damaged",
          .run = run,
          .seeds = seeds,
          .input_bytes_max = 64};
}

}  // namespace troupe::fuzz
