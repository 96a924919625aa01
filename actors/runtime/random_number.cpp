#include "actors/runtime/random_number.hpp"

#include <random>

namespace troupe::actors {

std::uint64_t random_number() {
  std::random_device device;
  std::uint64_t number = 0;
  while (number == 0)
    number = std::uint64_t{device()} << 32 | device();
  return number;
}

}  // namespace troupe::actors
