#include "shell/completion.hpp"

#include "shell/command.hpp"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string_view>

namespace troupe::shell {

namespace {

constexpr std::string_view blanks = " \t";

/// The words of the last command on the line; the last one is the one that is being typed.
std::vector<std::string> typed_words(std::string_view line) {
  line.remove_prefix(line.rfind(';') + 1);  // npos + 1 is 0.
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (blanks.find(c) == std::string_view::npos)
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  return words;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const CommandHelp& command : commands())
    names.emplace_back(command.name);
  return names;
}

/// The options that may stand where the last of `words` does.
std::vector<std::string> options_for(const std::vector<std::string>& words) {
  const auto others = std::count_if(words.begin() + 1, words.end(), [](const std::string& word) {
    return !word.starts_with("--");
  });
  for (const CommandHelp& command : commands()) {
    if (command.name != words[0] || (command.takes_words && others > 1))
      continue;
    std::vector<std::string> options = options_of(command);
    for (std::string& option : options)
      option.resize(std::min(option.size(), option.find('=')));
    return options;
  }
  return {};
}

/// What may stand where the last of `words` does.
std::vector<std::string> possible(const std::vector<std::string>& words,
                                  const Vocabulary& vocabulary) {
  const std::size_t place = words.size() - 1;
  if (place == 0 || (place == 1 && words[0] == "help"))
    return command_names();
  if (place == 1 && words[0] == "start_peer")
    return vocabulary.kinds;
  if (words.back().starts_with('-'))
    return options_for(words);
  static const std::set<std::string_view> of_members{
      "set_configuration", "remove_member", "promote", "demote", "transfer", "add_member"};
  if (words[0] == "keep_voters" && place == 3)
    return {"--after"};
  if (place == 1 || of_members.contains(words[0]))
    return vocabulary.peers;
  return {};
}

}  // namespace

std::string Completion::addition() const {
  if (choices.empty())
    return {};
  std::string common = choices.front();
  for (const std::string& choice : choices) {
    const auto [end, _] = std::mismatch(common.begin(), common.end(), choice.begin(), choice.end());
    common.erase(end, common.end());
  }
  if (choices.size() == 1)
    common += ' ';
  return common.substr(prefix.size());
}

Completion complete(std::string_view line, const Vocabulary& vocabulary) {
  const std::vector<std::string> words = typed_words(line);
  Completion completion{.prefix = words.back(), .choices = {}};
  for (std::string& word : possible(words, vocabulary)) {
    if (word.compare(0, completion.prefix.size(), completion.prefix) == 0)
      completion.choices.push_back(std::move(word));
  }
  std::sort(completion.choices.begin(), completion.choices.end());
  const auto end = std::unique(completion.choices.begin(), completion.choices.end());
  completion.choices.erase(end, completion.choices.end());
  return completion;
}

}  // namespace troupe::shell
