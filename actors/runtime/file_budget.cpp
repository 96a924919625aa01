#include "actors/runtime/file_budget.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

namespace troupe::actors {
namespace {

/// For the store, the snapshots, the log and whatever else the program opens.
constexpr std::size_t own_files = 64;

/// Nodes are few, but one may host peers of many clusters.
constexpr std::size_t links_max = 1024;
/// A hello takes milliseconds, but all clients of a leader that is gone connect at once.
constexpr std::size_t strangers_max = 256;
/// Of what is left, an eighth each is for links, nodes and strangers.
constexpr std::size_t shares = 8;

static_assert(files_min - own_files >= 2 * shares);

}  // namespace

std::variant<FileBudget, std::string> share_out_files(std::size_t files,
                                                      std::size_t connections_max) {
  if (files < files_min)
    return "this process may open " + std::to_string(files) + " files; a node needs "
           + std::to_string(files_min) + ": raise `ulimit -n`";
  const std::size_t free = files - own_files;
  FileBudget budget{.files = files,
                    .links_max = std::min(links_max, free / shares),
                    .nodes_max = std::min(links_max, free / shares),
                    .strangers_max = std::min(strangers_max, free / shares),
                    .connections_max = 0};
  budget.connections_max =
      std::min(connections_max, free - budget.links_max - budget.nodes_max - budget.strangers_max);
  return budget;
}

std::size_t raise_file_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0)
    return std::numeric_limits<std::size_t>::max();
  const rlim_t soft = files.rlim_cur;
  files.rlim_cur = files.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0)
    files.rlim_cur = soft;
  return files.rlim_cur == RLIM_INFINITY ? std::numeric_limits<std::size_t>::max()
                                         : static_cast<std::size_t>(files.rlim_cur);
}

}  // namespace troupe::actors
