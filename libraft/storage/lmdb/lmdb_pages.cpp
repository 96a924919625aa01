#include "storage/lmdb/lmdb_pages.hpp"

#include "storage/directory.hpp"
#include "storage/lmdb/lmdb_handles.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace troupe::storage {

namespace {

// The format of LMDB's files, version 1, on 64-bit machines; in the machine's own byte order.
static_assert(sizeof(std::size_t) == 8);

using PageNumber = std::uint64_t;

constexpr PageNumber no_page = ~PageNumber{0};
constexpr PageNumber meta_pages = 2;
constexpr unsigned depth_max = 32;  // As in LMDB.

enum PageFlags : std::uint16_t { branch_page = 1, leaf_page = 2, overflow_page = 4 };
enum NodeFlags : std::uint16_t { plain_node = 0, big_node = 1, tree_node = 2 };

struct PageHead {
  PageNumber number;
  std::uint16_t pad;
  std::uint16_t flags;
  std::uint16_t lower;  ///< Where the array of offsets of nodes ends.
  std::uint16_t upper;  ///< Where the nodes begin. With `lower` the pages of an overflow.
};
struct NodeHead {
  std::uint16_t low;  ///< Of the size of the data, or of the number of the child.
  std::uint16_t high;
  std::uint16_t flags;  ///< In a branch, the rest of the number of the child.
  std::uint16_t key_bytes;
};
struct Tree {
  std::uint32_t pad;
  std::uint16_t flags;
  std::uint16_t depth;
  std::uint64_t branch_pages;
  std::uint64_t leaf_pages;
  std::uint64_t overflow_pages;
  std::uint64_t entries;
  PageNumber root;
};
struct MetaPage {
  PageHead head;
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t address;
  std::uint64_t map_bytes;
  Tree free;
  Tree main;
  PageNumber last;
  std::uint64_t transaction;
};
static_assert(sizeof(PageHead) == 16 && sizeof(NodeHead) == 8);
static_assert(sizeof(Tree) == 48 && sizeof(MetaPage) == 152);

/// A file in memory, to read.
class Mapping {
public:
  Mapping(const std::string& path, std::size_t size) : size_(size) {
    const File file = open_directly(path, O_RDONLY);
    if (file.is_open() && size > 0)
      data_ = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd(), 0);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (data_ != MAP_FAILED)
      ::munmap(data_, size_);
  }
  Value bytes() const {
    return data_ == MAP_FAILED ? Value{} : Value{static_cast<const std::uint8_t*>(data_), size_};
  }

private:
  void* data_ = MAP_FAILED;
  std::size_t size_;
};

/// Copies the struct at `offset` of `bytes`, which are long enough.
template <class Struct>
Struct take(Value bytes, std::size_t offset) {
  Struct taken{};
  std::memcpy(&taken, bytes.data() + offset, sizeof(Struct));
  return taken;
}

class Walker {
public:
  Walker(Value file, std::size_t page_bytes) : file_(file), page_bytes_(page_bytes) {}

  PageCheck walk(std::uint64_t transaction);

private:
  /// What a tree turned out to be.
  struct Count {
    std::uint64_t branch_pages = 0;
    std::uint64_t leaf_pages = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t entries = 0;
  };
  enum class Kind { free_pages, names, values };

  bool walk_tree(const Tree& tree, Kind kind);
  bool walk_page(PageNumber number, unsigned levels, Kind kind, Count& count);
  bool walk_node(Value page, std::size_t offset, unsigned levels, Kind kind, Count& count);
  bool walk_leaf(const NodeHead& node, Value rest, Kind kind, Count& count);
  bool walk_overflow(PageNumber first, std::uint64_t value_bytes, Value& value, Count& count);
  bool walk_free_pages(Value list);

  bool claim(PageNumber number);
  bool read_page(PageNumber number, Value& page, PageHead& head);
  bool fail(PageNumber page, const std::string& what);

  Value file_;
  std::size_t page_bytes_;
  std::vector<bool> claimed_{};  ///< By a tree, or by the list of free pages.
  PageNumber current_ = 0;
  PageCheck result_{};
};

bool Walker::fail(PageNumber page, const std::string& what) {
  result_.problem = corrupt("page " + std::to_string(page) + ": " + what);
  return false;
}

/// Each page has one use.
bool Walker::claim(PageNumber number) {
  if (number < meta_pages || number >= claimed_.size())
    return fail(current_, "refers to page " + std::to_string(number) + ", which there is not");
  if (claimed_[number])
    return fail(number, "is used twice, or free and in use");
  claimed_[number] = true;
  return true;
}

bool Walker::read_page(PageNumber number, Value& page, PageHead& head) {
  if (number >= file_.size() / page_bytes_) {
    result_.cut_short = true;
    return fail(number, "is not in the file, which is cut short at " + std::to_string(file_.size())
                            + " bytes");
  }
  page = file_.subspan(number * page_bytes_, page_bytes_);
  head = take<PageHead>(page, 0);
  current_ = number;
  return head.number == number || fail(number, "is page " + std::to_string(head.number));
}

PageCheck Walker::walk(std::uint64_t transaction) {
  for (PageNumber number = 0; number < meta_pages; ++number) {
    if (file_.size() < (number + 1) * page_bytes_)
      continue;
    const auto meta = take<MetaPage>(file_, number * page_bytes_);
    if (meta.transaction != transaction)
      continue;
    if (meta.last >= file_.size())  // In pages, not in bytes: far more than any sound file has.
      fail(number, "has a last page that is out of range");
    else
      claimed_.assign(meta.last + 1, false);
    if (!result_.problem && walk_tree(meta.main, Kind::names))
      walk_tree(meta.free, Kind::free_pages);
    return result_;
  }
  fail(0, "no meta page of transaction " + std::to_string(transaction));
  return result_;
}

bool Walker::walk_tree(const Tree& tree, Kind kind) {
  const PageNumber where = current_;
  Count count;
  if (tree.root == no_page) {
    if (tree.depth != 0)
      return fail(where, "a tree without root has a depth");
  } else if (tree.depth == 0 || tree.depth > depth_max) {
    return fail(where, "a tree has an impossible depth");
  } else if (!walk_page(tree.root, tree.depth, kind, count)) {
    return false;
  }
  if (count.branch_pages != tree.branch_pages || count.leaf_pages != tree.leaf_pages
      || count.overflow_pages != tree.overflow_pages || count.entries != tree.entries)
    return fail(where, "a tree is not as large as it says");
  current_ = where;
  return true;
}

/// Walks the page `number`, the root of a tree of `levels`.
bool Walker::walk_page(PageNumber number, unsigned levels, Kind kind, Count& count) {
  Value page;
  PageHead head{};
  if (!claim(number) || !read_page(number, page, head))
    return false;
  const bool is_leaf = levels == 1;
  if (head.flags != (is_leaf ? leaf_page : branch_page))
    return fail(number, "is of another kind than its place in the tree");
  if (head.lower < sizeof(PageHead) || head.lower > head.upper || head.upper > page_bytes_)
    return fail(number, "has bounds that cannot be");
  ++(is_leaf ? count.leaf_pages : count.branch_pages);
  for (std::size_t at = sizeof(PageHead); at + 1 < head.lower; at += sizeof(std::uint16_t)) {
    const auto offset = take<std::uint16_t>(page, at);
    if (offset < head.upper || offset + sizeof(NodeHead) > page_bytes_)
      return fail(number, "has a node out of its bounds");
    if (!walk_node(page, offset, levels, kind, count))
      return false;
    current_ = number;
  }
  return true;
}

bool Walker::walk_node(Value page, std::size_t offset, unsigned levels, Kind kind, Count& count) {
  const auto node = take<NodeHead>(page, offset);
  const Value rest = page.subspan(offset + sizeof(NodeHead));
  if (node.key_bytes > rest.size())
    return fail(current_, "has a key out of its bounds");
  if (levels == 1)
    return walk_leaf(node, rest.subspan(node.key_bytes), kind, count);
  const PageNumber child =
      PageNumber{node.low} | PageNumber{node.high} << 16 | PageNumber{node.flags} << 32;
  return walk_page(child, levels - 1, kind, count);
}

/// `rest` is what follows the key, up to the end of the page.
bool Walker::walk_leaf(const NodeHead& node, Value rest, Kind kind, Count& count) {
  ++count.entries;
  const std::uint64_t value_bytes = std::uint64_t{node.low} | std::uint64_t{node.high} << 16;
  const bool is_big = node.flags == big_node;
  if (node.flags != (kind == Kind::names ? tree_node : plain_node) && !is_big)
    return fail(current_, "has a node of an unknown kind");
  if (rest.size() < (is_big ? sizeof(PageNumber) : value_bytes))
    return fail(current_, "has a value out of its bounds");
  Value value = rest.first(is_big ? 0 : value_bytes);
  if (is_big && !walk_overflow(take<PageNumber>(rest, 0), value_bytes, value, count))
    return false;
  switch (kind) {
    case Kind::free_pages:
      return walk_free_pages(value);
    case Kind::names:
      return value.size() == sizeof(Tree) ? walk_tree(take<Tree>(value, 0), Kind::values)
                                          : fail(current_, "has a tree of another size");
    case Kind::values:
      break;
  }
  return true;
}

bool Walker::walk_overflow(PageNumber first, std::uint64_t value_bytes, Value& value,
                           Count& count) {
  const std::uint64_t pages = (sizeof(PageHead) + value_bytes + page_bytes_ - 1) / page_bytes_;
  for (std::uint64_t i = 0; i < pages; ++i) {
    if (!claim(first + i))
      return false;
  }
  Value page;
  PageHead head{};
  // The last one first: with it all of them are in the file.
  if ((first + pages) * page_bytes_ > file_.size())
    return read_page(file_.size() / page_bytes_, page, head);
  if (!read_page(first, page, head))
    return false;
  const std::uint64_t said = std::uint64_t{head.lower} | std::uint64_t{head.upper} << 16;
  if (head.flags != overflow_page || said != pages)
    return fail(first, "does not hold the value that it should");
  value = file_.subspan(first * page_bytes_ + sizeof(PageHead), value_bytes);
  count.overflow_pages += pages;
  return true;
}

/// A list of pages: how many, then each.
bool Walker::walk_free_pages(Value list) {
  if (list.size() < sizeof(PageNumber))
    return fail(current_, "has a list of free pages without a length");
  const auto count = take<std::uint64_t>(list, 0);
  if (count > list.size() / sizeof(PageNumber) - 1)
    return fail(current_, "has a list of free pages that is too long");
  PageNumber previous = no_page;
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto number = take<PageNumber>(list, i * sizeof(PageNumber));
    if (number >= previous)
      return fail(current_, "has a list of free pages out of order");
    if (!claim(number))
      return false;
    previous = number;
  }
  return true;
}

}  // namespace

PageCheck check_pages(const std::string& file, std::size_t page_bytes, std::uint64_t transaction) {
  const Mapping mapping(file, file_bytes(file));
  PageCheck result = Walker(mapping.bytes(), page_bytes).walk(transaction);
  if (result.problem)
    result.problem->text = describe(file, {}, result.problem->text);
  return result;
}

}  // namespace troupe::storage
