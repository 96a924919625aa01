#pragma once

#include <cstdint>

namespace troupe::actors {

/// How the kernel shares out processors to a thread, as `sched_setattr` has it. Its own copy: older
/// C libraries have none.
struct Scheduling {
  std::uint32_t size = 0;
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t slice_ns = 0;  ///< Kernels before 6.12 do not look at it.
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};

/// Threads that are started while this lives, and by threads that were, are to run soon after they
/// are woken, at the price of shorter turns. Where processors are scarce a leader whose threads
/// wait for them too long loses its leadership.
///
/// Asks the kernel for a short time slice, which Linux 6.12 and later grant to anybody. Where the
/// kernel looks at no slices it asks for a nice value of -10, which needs CAP_SYS_NICE or a limit
/// (`LimitNICE=-10` of systemd) and takes processor time from every other program of the machine:
/// clients beside three nodes on two cores had a p99 of 24 ms instead of 15 with 1000 calls in
/// flight. Both may be refused without harm. Where an operator has chosen a nice value or a policy,
/// it stays. The calling thread is as it was when this ends.
class UrgentThreads {
public:
  UrgentThreads();
  ~UrgentThreads();
  UrgentThreads(const UrgentThreads&) = delete;
  UrgentThreads& operator=(const UrgentThreads&) = delete;

private:
  Scheduling before_{};
  bool changed_ = false;
};

/// Of the calling thread. False if the kernel does not tell.
bool read_scheduling(Scheduling& scheduling);

}  // namespace troupe::actors
