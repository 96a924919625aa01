// The whole program of a user: a node, a shell and tools for the user's own kind.

#include "tally_kind.hpp"

#include <troupe/run.hpp>

int main(int argc, char** argv) {
  return troupe::run(argc, argv, troupe::kinds({tally_kind()}));
}
