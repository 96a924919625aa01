#pragma once

#include "shell/interpreter.hpp"
#include "shell/words.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::shell {

/// The text of the reply to `line`, which holds one command.
inline std::string run_line(Interpreter& interpreter, std::string_view line) {
  const Result<std::vector<Words>> commands = split(line);
  REQUIRE(commands);
  REQUIRE(commands->size() == 1);
  const std::variant<Command, Failure> command = parse(commands->front());
  REQUIRE(std::holds_alternative<Command>(command));
  return as_text(interpreter.execute(std::get<Command>(command)));
}

}  // namespace troupe::shell
