#pragma once

#include "machine/kind.hpp"
#include "machine/resource.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace troupe::resources {

/// Values by their keys. Both are any bytes.
///
/// `set` answers nothing. `delete` and `get` refuse `key_not_found`; `get` answers the value.
/// What is not a command or query of ours is refused as `invalid`.
class KvStore : public machine::Resource {
public:
  machine::Reply apply(const machine::Command& command) override;
  machine::Reply query(machine::View question) const override;

  /// Format 1: a byte 1, u64 count, then each key and value in order of the keys, both as u32
  /// size and bytes; little endian.
  std::string save() const override;
  bool load(machine::View saved) override;

private:
  std::map<std::string, std::string, std::less<>> values_{};
};

/// The kind "kv_store": `set KEY VALUE`, `delete KEY`, `get KEY`.
machine::Kind kv_store_kind();

/// Commands and queries as bytes.
namespace kv_store {

std::string set(std::string_view key, std::string_view value);
std::string erase(std::string_view key);
std::string get(std::string_view key);

}  // namespace kv_store

}  // namespace troupe::resources
