// A kind can be tried without a cluster, and without CAF.

#include "tally_kind.hpp"

#include <cstdio>

int main() {
  const auto tally = tally_kind().make();
  tally->apply({});
  std::puts(tally->query({}).value.c_str());
  return tally->query({}).value == "1" ? 0 : 1;
}
