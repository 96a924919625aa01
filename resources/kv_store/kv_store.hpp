#pragma once

#include "machine/kind.hpp"
#include "machine/resource.hpp"
#include "resources/kv_store/key_index.hpp"
#include "resources/kv_store/kv_values.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::resources {

/// Values by their keys. Both are any bytes.
///
/// `set` answers nothing. `delete` and `get` refuse `key_not_found`; `get` answers the value.
/// `list` answers a page of keys. What is not a command or query of ours is refused as `invalid`.
///
/// Of the log only what set the values that are there stays (§5.3): a `set` releases the one before
/// it of the same key, and a `delete` that one and itself.
class KvStore : public machine::Resource {
public:
  machine::Reply apply(const machine::Command& command) override;
  machine::Reply query(machine::View question) const override;

  /// In the format of kv_values.hpp.
  std::string save() const override;
  bool load(machine::View saved) override;
  /// Writes go on while it saves, and cost it what they change of what it has not saved.
  std::unique_ptr<machine::Saver> start_save() override;
  bool load_piece(machine::View piece) override;
  bool end_load() override;

private:
  machine::Reply set(Index index, std::string_view key, std::string_view value);
  machine::Reply erase(Index index, std::string_view key);
  machine::Reply list(std::string_view prefix, std::optional<std::string_view> after) const;
  void keep_for_saver(std::string_view key, KvValue* before);
  void clear();

  KvValues values_{};
  KeyIndex places_{};         ///< Of all keys in `values_`; not while a state is loaded.
  KvSaver* saver_ = nullptr;  ///< While there is one.
  std::optional<KvLoader> loader_{};
};

/// The kind "kv_store": `set KEY VALUE`, `delete KEY`, `get KEY`, `list [PREFIX [AFTER]]`.
machine::Kind kv_store_kind();

/// Commands and queries as bytes.
namespace kv_store {

std::string set(std::string_view key, std::string_view value);
std::string erase(std::string_view key);
std::string get(std::string_view key);

/// Keys in a page, and the bytes of them all; but a page holds one key of any size.
inline constexpr std::size_t page_keys_max = 1000;
inline constexpr std::size_t page_bytes_max = std::size_t{64} << 10;

/// The keys that begin with `prefix`, in the order of their bytes: the first page, or the one
/// behind the key `after`. Each page is a query of its own: it sees what was written between them.
std::string list(std::string_view prefix, std::optional<std::string_view> after = {});

/// The answer to `list`.
struct Page {
  std::vector<std::string> keys{};
  bool more = false;  ///< Ask again with the last key as `after`.
};
/// `nullopt` if `value` is no answer to `list`.
std::optional<Page> read_page(std::string_view value);

}  // namespace kv_store

}  // namespace troupe::resources
