#include "shell/words.hpp"

#include <optional>
#include <string>
#include <utility>

namespace troupe::shell {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

bool ends_command(char c) {
  return c == '\n' || c == ';';
}

/// Reads `text` from its start to its end, once.
class Splitter {
public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<std::vector<Words>> split() {
    while (!text_.empty() && problem_.empty())
      read_next();
    end_command();
    if (!problem_.empty())
      return {Refusal::invalid, problem_};
    return std::move(commands_);
  }

private:
  void read_next() {
    const char c = take();
    if (is_blank(c))
      end_word();
    else if (ends_command(c))
      end_command();
    else if (c == '#' && !word_)
      skip_comment();
    else
      read_in_word(c);
  }

  void read_in_word(char c) {
    if (!word_)
      word_.emplace();
    if (c == '\'')
      read_single_quoted();
    else if (c == '"')
      read_double_quoted();
    else if (c == '\\')
      read_escaped();
    else
      *word_ += c;
  }

  void read_single_quoted() {
    const std::size_t end = text_.find('\'');
    if (end == std::string_view::npos)
      return fail("a ' is not closed");
    *word_ += text_.substr(0, end);
    text_.remove_prefix(end + 1);
  }

  /// Up to the closing quote; a backslash is taken as itself before what needs none.
  void read_double_quoted() {
    while (!text_.empty()) {
      const char c = take();
      if (c == '"')
        return;
      const bool escapes =
          c == '\\' && !text_.empty()
          && std::string_view("\"\\$`").find(text_.front()) != std::string_view::npos;
      *word_ += escapes ? take() : c;
    }
    fail("a \" is not closed");
  }

  void read_escaped() {
    if (text_.empty())
      return fail("nothing follows the last \\");
    *word_ += take();
  }

  void skip_comment() { text_.remove_prefix(std::min(text_.find('\n'), text_.size())); }

  void end_word() {
    if (word_)
      words_.push_back(std::move(*word_));
    word_.reset();
  }

  void end_command() {
    end_word();
    if (!words_.empty())
      commands_.push_back(std::move(words_));
    words_.clear();
  }

  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }

  void fail(std::string problem) {
    problem_ = std::move(problem);
    text_ = {};
  }

  std::string_view text_;
  std::optional<std::string> word_{};  ///< None between words; an empty one is `''`.
  Words words_{};
  std::vector<Words> commands_{};
  std::string problem_{};
};

}  // namespace

Result<std::vector<Words>> split(std::string_view text) {
  return Splitter(text).split();
}

}  // namespace troupe::shell
