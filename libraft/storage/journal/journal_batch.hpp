#pragma once

#include "storage/record.hpp"
#include "storage/store.hpp"

#include <flatbuffers/flatbuffers.h>

#include <span>
#include <vector>

namespace troupe::storage {

/// Makes the bytes that a journal keeps of what was written together. Internal to this layer.
class BatchWriter {
public:
  /// Valid until the next call.
  Value write(std::span<const PeerWrite> writes);

private:
  flatbuffers::FlatBufferBuilder builder_{};
};

/// The writes that `value` was made of, without their ids. What is not such a value is an error:
/// its checksum was checked before, so somebody else wrote it.
Problem read_batch(Value value, std::vector<PeerWrite>& to);

}  // namespace troupe::storage
