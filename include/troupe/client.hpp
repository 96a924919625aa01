#pragma once

/// \file
/// A program's way to a cluster: finds the leader, and ends every call in a reply or a refusal.
/// Link `Troupe::actors`.

#include "actors/client/client.hpp"
#include "troupe/result.hpp"
#include "wire/command.hpp"

namespace troupe {

using actors::Client;
using actors::ClientOptions;
/// What a command or query ends in.
using wire::CallReply;
/// A command in the envelope that `Client::write` takes.
using wire::encode_command;

}  // namespace troupe
