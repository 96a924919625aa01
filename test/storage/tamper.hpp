#pragma once

/// Damage to order, done to a store that is closed.

#include "storage/directory.hpp"
#include "storage/lmdb/lmdb_handles.hpp"
#include "storage/lmdb/lmdb_reader.hpp"
#include "storage/record.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace troupe::storage {

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline void overwrite(const std::string& path, std::size_t offset, char byte) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset)).put(byte);
  CHECK(file.good());
}

/// Changes tables behind the store's back, but as a transaction of it: what only a page that is
/// old, moved or lost can do.
class Tampering {
public:
  explicit Tampering(const std::string& directory) {
    auto opened = open_environment(
        directory, {.access = Access::write, .map_bytes = std::size_t{1} << 24, .tables_max = 64});
    REQUIRE(std::holds_alternative<Environment>(opened));
    environment_ = std::move(std::get<Environment>(opened));
    REQUIRE(begin_write(environment_.get(), transaction_) == 0);
  }
  ~Tampering() {
    put(tables::state, NumberKey(tables::commit_key).val(),
        write_commit({.transaction = mdb_txn_id(transaction_.get())}));
    CHECK(mdb_txn_commit(transaction_.release()) == 0);
  }
  Tampering(const Tampering&) = delete;
  Tampering& operator=(const Tampering&) = delete;

  void put(const std::string& table, MDB_val key, const std::vector<std::uint8_t>& value) {
    MDB_val data = to_val(value);
    CHECK(mdb_put(transaction_.get(), open(table), &key, &data, 0) == 0);
  }
  std::vector<std::uint8_t> get(const std::string& table, MDB_val key) {
    MDB_val data{};
    REQUIRE(mdb_get(transaction_.get(), open(table), &key, &data) == 0);
    const auto bytes = to_span(data);
    return {bytes.begin(), bytes.end()};
  }
  void del(const std::string& table, MDB_val key) {
    CHECK(mdb_del(transaction_.get(), open(table), &key, nullptr) == 0);
  }
  void drop(const std::string& table) { CHECK(mdb_drop(transaction_.get(), open(table), 1) == 0); }
  MDB_dbi open(const std::string& table) {
    MDB_dbi opened = 0;
    CHECK(mdb_dbi_open(transaction_.get(), table.c_str(), 0, &opened) == 0);
    return opened;
  }

private:
  Environment environment_{};
  Transaction transaction_{};
};

}  // namespace troupe::storage
