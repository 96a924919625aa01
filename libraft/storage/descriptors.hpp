#pragma once

#include <array>
#include <cstddef>

namespace troupe::storage {

/// Descriptors below this number are standard input, output and error. Libraries write to them
/// without asking, so no file of a store and no socket may have such a number.
inline constexpr int standard_descriptors = 3;

/// Opens those of the descriptors 0, 1 and 2 that are closed, on /dev/null. A program that was
/// started without them would otherwise open its store as one of them, and log into it.
///
/// To be called before anything else is opened. Harmless when it is called again.
void open_standard_descriptors();

/// Occupies the closed ones of the descriptors 0, 1 and 2 during its life: what a library opens
/// meanwhile gets a higher number.
class OccupiedDescriptors {
public:
  OccupiedDescriptors();
  ~OccupiedDescriptors();
  OccupiedDescriptors(const OccupiedDescriptors&) = delete;
  OccupiedDescriptors& operator=(const OccupiedDescriptors&) = delete;

private:
  std::array<int, standard_descriptors> occupied_{};
  std::size_t count_ = 0;
};

/// The same open file under a number that is not 0, 1 or 2; `fd` if it is no such number. The old
/// number is closed. -1 and `errno` if there is no number left.
int above_standard_descriptors(int fd);

}  // namespace troupe::storage
