#pragma once

#include "core/bytes.hpp"
#include "core/types.hpp"
#include "wire/packet.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace troupe::shell {

/// How a shell reaches nodes: as any client does, over TCP. `request` and `call` end within their
/// timeout. Time passes here, too, so that tests need none of it.
struct Nodes {
  std::function<wire::Response(std::string address, wire::Request request, Duration timeout)>
      request{};
  std::function<wire::CallReply(std::string address, std::string peer, wire::CallKind kind,
                                Bytes payload, Duration timeout, ReadLevel level)>
      call{};
  /// Waits. False if the shell shall end or Ctrl-C was pressed: then nothing is tried again.
  std::function<bool(Duration)> pause = [](Duration) { return false; };
  std::function<Time()> now = [] {
    return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
  };
};

}  // namespace troupe::shell
