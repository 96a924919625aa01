#pragma once

#include <string>

namespace troupe::shell {

/// Renames `directory` to `directory.corrupt-TIME`, and says so, if what a node keeps there is
/// corrupt; to `directory.set-back-TIME` if a peer there found out that its disk was set back. Its
/// peers are to be built anew, as other incarnations, from the peers of other nodes. The directory
/// is kept, so that people can find out why. All other directories are left alone, also what cannot
/// be opened for another reason: the node that starts next will say why.
///
/// False, after a line on stderr, if it is corrupt and cannot be renamed.
bool set_aside_if_corrupt(const std::string& directory);

}  // namespace troupe::shell
