#include "test/data/story.hpp"

#include <sstream>

namespace troupe::test {

Line parse_line(const std::string& text) {
  Line line;
  std::istringstream in(text.substr(0, text.find(" #")));
  in >> line.verb;
  for (std::string word; in >> word;) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos)
      line.words.push_back(word);
    else
      line.options[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return line;
}

std::string retell(const std::string& text, const std::function<std::string(const Line&)>& run) {
  std::istringstream in(text);
  std::string told;
  for (std::string line; std::getline(in, line);) {
    told += line + "\n";
    if (line.empty() || line.front() == '#')
      continue;
    std::string answer = run(parse_line(line));
    if (answer.empty())
      answer = "ok";
    if (answer.back() != '\n')
      answer += '\n';
    told += "----\n" + answer;
    // What was expected; a command that was just written has nothing yet.
    std::string rest;
    bool blank = false;
    while (!blank && std::getline(in, rest))
      blank = rest.empty();
    if (blank)
      told += "\n";
  }
  return told;
}

std::string first_difference(const std::string& expected, const std::string& told) {
  std::istringstream left(expected);
  std::istringstream right(told);
  for (int number = 1;; ++number) {
    std::string a;
    std::string b;
    const bool has_a = static_cast<bool>(std::getline(left, a));
    const bool has_b = static_cast<bool>(std::getline(right, b));
    if (!has_a && !has_b)
      return {};
    if (has_a != has_b || a != b)
      return std::string("line ")
          .append(std::to_string(number))
          .append(": expected \"")
          .append(a)
          .append("\", told \"")
          .append(b)
          .append("\"");
  }
}

}  // namespace troupe::test
