#pragma once

#include <string>

namespace troupe::shell {

/// `--rebuild` renames a directory that is of no use, and keeps it, so that people can find out
/// why. Its peers are to be built anew, as other incarnations, from the peers of other nodes.

/// Renames `directory` to `directory.corrupt-TIME`, and says so, if what a node keeps there is
/// corrupt; to `directory.set-back-TIME` if a peer there found out that its disk was set back. All
/// other directories are left alone, also what cannot be opened for another reason: the node that
/// starts next will say why.
///
/// False, after a line on stderr, if it is corrupt and cannot be renamed.
bool set_aside_if_corrupt(const std::string& directory);

/// Renames `directory` to `directory.set-back-TIME`, and says so and `why`. For one whose disk was
/// set back as others found out. No node may use it. False, after a line on stderr, if it cannot be
/// renamed.
bool set_aside_as_set_back(const std::string& directory, const std::string& why);

}  // namespace troupe::shell
