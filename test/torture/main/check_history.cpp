// `troupe_check_history FILE...`: whether clients could have seen from one object without copies
// what the files say, as lines of JSON. Exit codes: 0 they could, 1 they could not or it is not
// known, 2 there is nothing to check.

#include "test/torture/history.hpp"
#include "test/torture/witness.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <variant>

using namespace troupe::torture;

namespace {

template <class Condition>
std::ptrdiff_t count(const Records& records, Condition condition) {
  return std::count_if(records.begin(), records.end(), condition);
}

bool read_file(const char* name, Records& all) {
  std::ifstream in(name);
  auto read = read_records(in);
  if (const auto* problem = std::get_if<std::string>(&read)) {
    std::cerr << name << ": " << *problem << "\n";
    return false;
  }
  const Records& records = std::get<Records>(read);
  if (!in.eof() || records.empty()) {
    std::cerr << name << ": nothing to read\n";
    return false;
  }
  all.insert(all.end(), records.begin(), records.end());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Records records;
  for (int i = 1; i < argc; ++i)
    if (!read_file(argv[i], records))
      return 2;
  if (records.empty()) {
    std::cerr << "usage: troupe_check_history FILE...\n";
    return 2;
  }
  std::cout << "operations=" << records.size()
            << " reads=" << count(records, [](const Record& r) { return r.is_read(); })
            << " sequential=" << count(records, [](const Record& r) { return r.is_sequential(); })
            << " in_doubt=" << count(records, [](const Record& r) { return r.is_in_doubt(); })
            << std::endl;
  const auto witness = broken_witness(records);
  std::cout << "witness: " << witness.value_or("the indexes explain every answer") << std::endl;
  const auto history = broken_linearizability(records);
  std::cout << "search: " << history.value_or("linearizable") << std::endl;
  return witness || history ? 1 : 0;
}
