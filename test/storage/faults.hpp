#pragma once

#include <set>
#include <string>

/// Faults of the kernel's that come to order, for all of this program: it has `fsync` and
/// `pthread_create` of its own.
namespace troupe::storage::faults {

/// What becomes of a sync of a directory.
enum class Sync : int { done, failed, killed };

inline Sync sync_of_directories = Sync::done;  ///< Killed: so is the process, before it.
inline std::set<std::string> synced{};         ///< Every directory that was.
inline bool no_threads = false;                ///< None can be begun.

}  // namespace troupe::storage::faults
