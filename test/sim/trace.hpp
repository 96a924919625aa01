#pragma once

#include "core/engine.hpp"
#include "core/entry.hpp"
#include "core/message.hpp"
#include "core/output.hpp"
#include "core/view.hpp"

#include <string>

namespace troupe::sim {

// What happens, in one line each. Stories in test/data and traces of seeds read the same.
//
// 2/5 is the entry of term 2 at index 5; 2/5=a is a command "a", 1/1=c(1 2 3) a configuration, and
// 2/5=released one that was released.

std::string text(EntryId id);
std::string text(const Entry& entry);
std::string text(const SnapshotHead& head);
std::string text(const Configuration& configuration);

/// "1->2 append_request term=2 after=1/1 commit=1 [2/2=a]"
std::string text(const Message& message);
/// "write 3: term=2 vote=1 truncate=4 [2/4=b]"
std::string text(const Write& write);
/// "follower term=2 vote=1 leader=1: 1/1| 2/2=a*": | after the last committed entry and * after
/// the last that is durable.
std::string text(const EngineView& view, const Log& log);
/// The same without the log, for long runs.
std::string text(const EngineView& view);

}  // namespace troupe::sim
