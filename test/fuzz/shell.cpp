#include "actors/runtime/address.hpp"
#include "machine/words.hpp"
#include "resources/kv_store/kv_store.hpp"
#include "shell/command.hpp"
#include "shell/words.hpp"
#include "test/fuzz/target.hpp"

#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

/// Quoted, so that a shell reads one word of it.
std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

Problem check_kind(const machine::Words& words) {
  static const machine::Kind kind = resources::kv_store_kind();
  if (const auto command = kind.text->parse_command(words)) {
    if (!kind.valid_command(machine::bytes(*command)))
      return "what was parsed is not valid";
    (void)kind.text->show_command(machine::bytes(*command));
  }
  if (const auto query = kind.text->parse_query(words);
      query && !kind.valid_query(machine::bytes(*query)))
    return "a query that was parsed is not valid";
  return std::nullopt;
}

Problem check_names(const std::string& word) {
  if (const auto address = actors::parse_address(word))
    if (actors::parse_address(actors::to_text(*address)) != address)
      return "an address is not read back";
  if (const auto name = actors::parse_full_name(word))
    if (actors::parse_full_name(actors::to_text(*name)) != name)
      return "a full name is not read back";
  return std::nullopt;
}

/// Lines as people and scripts type them.
Problem run(Input input) {
  const auto commands = shell::split(text(input));
  if (!commands)
    return commands.detail().empty() ? Problem("refused without a reason") : std::nullopt;
  for (const machine::Words& words : *commands) {
    if (words.empty())
      return "a command without words";
    const auto parsed = shell::parse(words);
    if (const auto* failure = std::get_if<shell::Failure>(&parsed);
        failure && failure->error.empty())
      return "a failure without a word for it";
    std::string line;
    for (const std::string& word : words) {
      line += (line.empty() ? "" : " ") + quoted(word);
      if (auto problem = check_names(word))
        return problem;
    }
    const auto again = shell::split(line);
    if (!again || again->size() != 1 || again->front() != words)
      return "words that are quoted are not the words";
    const auto shown = shell::split(machine::joined(words));
    if (!shown || shown->size() != 1 || shown->front() != words)
      return "words that are shown are not the words";
    if (auto problem = check_kind(words))
      return problem;
  }
  return std::nullopt;
}

std::vector<std::string> seeds() {
  std::vector<std::string> all = {
      "write peer1@127.0.0.1:4001 set 'a b' \"c\\\"d\"; read p --lease get -- k # why; "
      "$'\\x07\\377'\n",
      "set_configuration p p q@[::1]:4003 r@host:1",
      "start_peer kv_store p snapshot_entries=5 x=",
      "keep_voters p 3 --after 30",
      "set k v\ndelete k\nget k",
  };
  std::string lines;
  for (const shell::CommandHelp& help : shell::commands())
    lines += std::string(help.name) + " p a b c\n";
  all.push_back(std::move(lines));
  return all;
}

}  // namespace

Target shell_target() {
  return {.name = "shell",
          .summary = "lines of the shell",
          .run = run,
          .seeds = seeds,
          .input_bytes_max = 256};
}

}  // namespace troupe::fuzz
