#pragma once

#include "core/types.hpp"
#include "machine/resource.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::resources {

struct KvValue {
  std::string value{};
  Index set_by{};  ///< The entry that set it: of all that ever did, the one that still matters.
};
using KvValues = std::map<std::string, KvValue, std::less<>>;

// What `KvStore` saves, as one run of bytes: a byte 1, u64 how many keys, then in the order of the
// keys each key (u32 size and bytes), the index of the entry that set it (u64), and its value (u32
// size and bytes); little endian.

/// All of it.
std::string saved(const KvValues& values);

/// Values as they were when it was made, while they change: the old value of a key that is changed
/// before its turn is kept aside until then, and no other is copied.
class KvSaver : public machine::Saver {
public:
  /// `values` must live as long. The store tells us before it changes them, by `attached`, which is
  /// null while there is no saver.
  KvSaver(const KvValues& values, KvSaver*& attached);
  KvSaver(const KvSaver&) = delete;
  KvSaver& operator=(const KvSaver&) = delete;
  ~KvSaver() override;

  /// Cuts anywhere: a value may be larger than a piece.
  std::string next() override;
  int percent() const override;

  /// Whether the value of `key`, or that there is none, must be kept aside before it changes.
  bool needs(std::string_view key) const;
  void keep(std::string_view key, std::optional<KvValue> before);

  std::size_t kept() const { return kept_.size(); }

private:
  void fill();
  void append(const std::string& key, const KvValue& value);

  const KvValues& values_;
  KvSaver*& attached_;
  std::size_t count_;     ///< Of the keys that are to be saved...
  std::size_t done_ = 0;  ///< ...and of those that are.
  std::map<std::string, std::optional<KvValue>, std::less<>> kept_{};
  std::optional<std::string> passed_{};  ///< All keys up to this one are saved.
  bool at_end_ = false;
  std::string written_{};  ///< Saved and not given out.
};

/// Reads what was saved, cut anywhere, into values that are empty at first.
class KvLoader {
public:
  explicit KvLoader(KvValues& values) : values_(values) {}

  /// False if this can't be the next piece.
  bool load(machine::View piece);
  /// Whether all is there.
  bool is_complete() const { return left_ == std::uint64_t{0} && partial_.empty(); }

private:
  bool read_head(std::string_view& from);
  bool read_value(std::string_view& from, bool& missing);

  KvValues& values_;
  std::optional<std::uint64_t> left_{};  ///< Keys that are still to come. Unknown before the head.
  std::string partial_{};  ///< The beginning of what the last piece did not hold to its end.
};

}  // namespace troupe::resources
