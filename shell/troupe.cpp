// The program `troupe`: nodes and shells for the kinds of resources that ship.

#include "resources/kv_store/kv_store.hpp"
#include "shell/run.hpp"

int main(int argc, char** argv) {
  return troupe::run(argc, argv, troupe::kinds({troupe::resources::kv_store_kind()}));
}
