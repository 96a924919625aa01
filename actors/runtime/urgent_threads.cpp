#include "actors/runtime/urgent_threads.hpp"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace troupe::actors {

namespace {

static_assert(sizeof(Scheduling) == 48, "the first version of the kernel's structure");

constexpr pid_t this_thread = 0;

/// Far less than a heartbeat may be late, and enough for a few hundred commands.
constexpr std::uint64_t urgent_slice_ns = 500'000;
constexpr std::int32_t urgent_nice = -10;

bool apply(Scheduling scheduling) {
  scheduling.size = sizeof(Scheduling);
  return ::syscall(SYS_sched_setattr, this_thread, &scheduling, 0) == 0;
}

}  // namespace

bool read_scheduling(Scheduling& scheduling) {
  return ::syscall(SYS_sched_getattr, this_thread, &scheduling, sizeof(Scheduling), 0) == 0;
}

UrgentThreads::UrgentThreads() {
  if (!read_scheduling(before_) || before_.policy != SCHED_OTHER)
    return;
  Scheduling wanted = before_;
  wanted.slice_ns = urgent_slice_ns;
  changed_ = apply(wanted);
  Scheduling granted;
  if (changed_ && read_scheduling(granted) && granted.slice_ns == urgent_slice_ns)
    return;
  if (before_.nice != 0)
    return;
  wanted.nice = urgent_nice;
  changed_ = apply(wanted) || changed_;
}

UrgentThreads::~UrgentThreads() {
  if (changed_)
    static_cast<void>(apply(before_));
}

}  // namespace troupe::actors
