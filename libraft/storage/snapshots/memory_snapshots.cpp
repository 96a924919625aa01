#include "storage/snapshots/memory_snapshots.hpp"

#include "core/assert.hpp"
#include "storage/snapshots/snapshot_format.hpp"

#include <algorithm>

namespace troupe::storage {

namespace {

using Content = MemoryShelf::Content;

void append_to(Content& content, Value bytes) {
  content.insert(content.end(), bytes.begin(), bytes.end());
}

/// Reads from `content`, which may be null: then it is missing.
ReadBytes reader_of(const Content* content) {
  return [content](std::uint64_t offset, std::size_t length) -> Outcome<Bytes> {
    if (content == nullptr)
      return corrupt("the snapshot is missing");
    const Value all(*content);
    const Value rest = all.subspan(std::min<std::uint64_t>(offset, all.size()));
    return Bytes::copy_of(rest.first(std::min(length, rest.size())));
  };
}

Problem check_all(const Content& content, const SnapshotHead& head) {
  SnapshotScanner scanner;
  if (auto problem = scanner.feed(content))
    return problem;
  return scanner.finish(head);
}

class MemorySnapshots final : public Snapshots {
public:
  explicit MemorySnapshots(MemoryShelf& shelf) : shelf_(shelf) {}

  std::optional<StoreError> begin(PeerId peer, const SnapshotTitle& title) override {
    abandon(peer);
    if (auto error = take_fault())
      return error;
    Writing writing{SnapshotWriter(title.place), {}};
    append_to(writing.content, writing.writer.title(title));
    writing_.insert_or_assign(peer, std::move(writing));
    return std::nullopt;
  }

  std::optional<StoreError> append(PeerId peer, Bytes piece) override {
    Writing& writing = writing_of(peer);
    if (auto error = take_fault()) {
      if (error->kind != StoreError::Kind::no_space)
        abandon(peer);
      return error;
    }
    append_to(writing.content, writing.writer.head_of(piece.span()));
    append_to(writing.content, piece.span());
    return std::nullopt;
  }

  Outcome<SnapshotHead> finish(PeerId peer) override {
    Writing& writing = writing_of(peer);
    if (auto error = take_fault()) {
      if (error->kind != StoreError::Kind::no_space)
        abandon(peer);
      return *error;
    }
    append_to(writing.content, writing.writer.end());
    const SnapshotHead head = writing.writer.head();
    put(peer, head, std::move(writing.content));
    abandon(peer);
    return head;
  }

  void abandon(PeerId peer) override { writing_.erase(peer); }

  std::uint64_t received(PeerId peer, const SnapshotHead& head) override {
    const Content* finished = shelf_.find(peer, head);
    if (finished != nullptr && finished->size() == head.size_bytes && !is_damaged(peer, head))
      return head.size_bytes;
    const auto& receiving = shelf_.peers[peer].received;
    return receiving && receiving->first == head ? receiving->second.size() : 0;
  }

  Outcome<std::uint64_t> receive(PeerId peer, const SnapshotHead& head, std::uint64_t offset,
                                 Bytes bytes) override {
    const std::uint64_t upto = received(peer, head);
    if (bytes.empty() || offset != upto || upto == head.size_bytes)
      return upto;
    auto& receiving = shelf_.peers[peer].received;
    if (auto error = take_fault()) {
      if (error->kind != StoreError::Kind::no_space)
        receiving.reset();
      return *error;
    }
    if (!receiving || receiving->first != head)
      receiving.emplace(head, Content{});
    Content& content = receiving->second;
    append_to(content, bytes.span());
    Problem problem = SnapshotScanner().feed(content);
    if (!problem && content.size() >= head.size_bytes)
      problem = check_all(content, head);
    const std::uint64_t reached = content.size();
    if (!problem && reached == head.size_bytes)
      put(peer, head, std::move(content));
    if (problem || reached == head.size_bytes)
      receiving.reset();
    return problem ? Outcome<std::uint64_t>(located(peer, std::move(*problem))) : reached;
  }

  Outcome<SnapshotTitle> title(PeerId peer, const SnapshotHead& head) override {
    auto outcome = read_title(reader_of(shelf_.find(peer, head)), head);
    return checked(peer, head, std::move(outcome));
  }

  Outcome<SnapshotPiece> piece(PeerId peer, const SnapshotHead& head,
                               std::uint64_t offset) override {
    auto outcome = readers_[peer].read(reader_of(shelf_.find(peer, head)), head, offset);
    return checked(peer, head, std::move(outcome));
  }

  Outcome<Bytes> bytes(PeerId peer, const SnapshotHead& head, std::uint64_t offset,
                       std::size_t length) override {
    return checked(peer, head, reader_of(shelf_.find(peer, head))(offset, length));
  }

  std::optional<StoreError> check(PeerId peer, const SnapshotHead& head) override {
    const Content* content = shelf_.find(peer, head);
    Problem problem =
        content == nullptr ? corrupt("the snapshot is missing") : check_all(*content, head);
    return problem ? Problem(damage(peer, head, std::move(*problem))) : std::nullopt;
  }

  void keep_only(PeerId peer, const std::optional<SnapshotHead>& head) override {
    std::erase_if(shelf_.peers[peer].finished,
                  [&](const auto& finished) { return !head || finished.first != *head; });
  }

  void remove(PeerId peer) override {
    writing_.erase(peer);
    shelf_.peers.erase(peer);
  }

  void remove_all_but(const std::set<PeerId>& peers) override {
    std::erase_if(shelf_.peers, [&](const auto& peer) { return !peers.contains(peer.first); });
  }

private:
  struct Writing {
    SnapshotWriter writer;
    Content content{};
  };

  Writing& writing_of(PeerId peer) {
    const auto found = writing_.find(peer);
    TROUPE_ASSERT(found != writing_.end());
    return found->second;
  }

  std::optional<StoreError> take_fault() {
    return std::exchange(shelf_.fail_next_write, std::nullopt);
  }

  void put(PeerId peer, const SnapshotHead& head, Content content) {
    if (is_damaged(peer, head))
      damaged_.erase(peer);
    if (Content* there = shelf_.find(peer, head))
      *there = std::move(content);
    else
      shelf_.peers[peer].finished.emplace_back(head, std::move(content));
  }

  bool is_damaged(PeerId peer, const SnapshotHead& head) const {
    const auto found = damaged_.find(peer);
    return found != damaged_.end() && found->second == head;
  }

  static StoreError located(PeerId peer, StoreError error) {
    error.text = "snapshot of peer " + std::to_string(peer.value) + ", " + error.text;
    return error;
  }

  StoreError damage(PeerId peer, const SnapshotHead& head, StoreError error) {
    damaged_.insert_or_assign(peer, head);
    return located(peer, std::move(error));
  }

  template <class T>
  Outcome<T> checked(PeerId peer, const SnapshotHead& head, Outcome<T> outcome) {
    if (auto* error = std::get_if<StoreError>(&outcome))
      return damage(peer, head, std::move(*error));
    return outcome;
  }

  MemoryShelf& shelf_;
  std::map<PeerId, Writing> writing_{};
  std::map<PeerId, PieceReader> readers_{};
  std::map<PeerId, SnapshotHead> damaged_{};
};

}  // namespace

MemoryShelf::Content* MemoryShelf::find(PeerId peer, const SnapshotHead& head) {
  for (auto& [known, content] : peers[peer].finished) {
    if (known == head)
      return &content;
  }
  return nullptr;
}

std::unique_ptr<Snapshots> open_memory_snapshots(MemoryShelf& shelf) {
  return std::make_unique<MemorySnapshots>(shelf);
}

}  // namespace troupe::storage
