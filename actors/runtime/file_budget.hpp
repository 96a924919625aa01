#pragma once

#include <cstddef>
#include <string>
#include <variant>

namespace troupe::actors {

/// How the files that a process may have open are shared out, so that no part of a node takes those
/// of another. A socket is a file.
struct FileBudget {
  std::size_t files = 0;            ///< That may be open.
  std::size_t links_max = 0;        ///< To other nodes; each is one socket.
  std::size_t nodes_max = 0;        ///< Connections that other nodes opened.
  std::size_t strangers_max = 0;    ///< Connections before their hello.
  std::size_t connections_max = 0;  ///< Of clients.
};

/// A node does not start with fewer: the store, a few links, and a few clients.
inline constexpr std::size_t files_min = 128;

/// Shares out `files`, with at most `connections_max` clients. The error names both numbers.
std::variant<FileBudget, std::string> share_out_files(std::size_t files,
                                                      std::size_t connections_max);

/// Has this process open as many files as it may: the soft limit becomes the hard one. Returns that
/// limit.
std::size_t raise_file_limit();

}  // namespace troupe::actors
