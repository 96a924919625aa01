#include "shell/words.hpp"

#include <utility>

namespace troupe::shell {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/// 0 to 15; more than that if `c` is no digit.
unsigned digit(char c) {
  if (c >= '0' && c <= '9')
    return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f')
    return static_cast<unsigned>(c - 'a') + 10;
  return c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A') + 10 : 16;
}

/// The byte that a letter behind a backslash means in $'...'; nothing if it means none.
std::optional<char> byte_of(char letter) {
  static constexpr std::string_view letters = "abefnrtv\\'\"?";
  static constexpr std::string_view bytes = "\a\b\x1b\f\n\r\t\v\\'\"?";
  const std::size_t at = letters.find(letter);
  return at == std::string_view::npos ? std::nullopt : std::optional(bytes[at]);
}

}  // namespace

void Splitter::add(std::string_view text) {
  for (const char c : text) {
    ++size_;
    read(c);
    if (c == '\n')
      ++line_;
  }
}

void Splitter::read(char c) {
  switch (state_) {
    case State::plain:
      return read_plain(c);
    case State::escape:
      return read_escape(c);
    case State::dollar:
      if (c == '\'')
        return open(State::ansi_quoted);
      state_ = State::plain;
      append('$');
      return read_plain(c);
    case State::single_quoted:
      if (c == '\'')
        state_ = State::plain;
      else
        append(c);
      return;
    case State::double_quoted:
      if (c == '"' || c == '\\')
        state_ = c == '"' ? State::plain : State::double_escape;
      else
        append(c);
      return;
    case State::double_escape:
      return read_double_escape(c);
    case State::ansi_quoted:
      if (c == '\'' || c == '\\')
        state_ = c == '\'' ? State::plain : State::ansi_escape;
      else
        append(c);
      return;
    case State::ansi_escape:
      return read_ansi_escape(c);
    case State::ansi_number:
      return read_ansi_number(c);
    case State::comment:
      if (c == '\n') {
        state_ = State::plain;
        end_command();
      }
  }
}

void Splitter::read_plain(char c) {
  joined_ = false;
  if (is_blank(c))
    end_word();
  else if (c == '\n' || c == ';')
    end_command();
  else if (c == '#' && !word_)
    state_ = State::comment;
  else if (c == '\'')
    open(State::single_quoted);
  else if (c == '"')
    open(State::double_quoted);
  else if (c == '$')
    state_ = State::dollar;
  else if (c != '\\')
    append(c);
  else {
    state_ = State::escape;
    opened_in_ = line_;
  }
}

void Splitter::read_escape(char c) {
  state_ = State::plain;
  joined_ = c == '\n';
  if (!joined_)
    append(c);
}

/// A backslash is taken as itself before what needs none.
void Splitter::read_double_escape(char c) {
  state_ = State::double_quoted;
  if (c == '\n')
    return;
  if (std::string_view("\"\\$`").find(c) == std::string_view::npos)
    append('\\');
  append(c);
}

void Splitter::read_ansi_escape(char c) {
  const bool hexadecimal = c == 'x';
  if (hexadecimal || digit(c) < 8) {
    base_ = hexadecimal ? 16 : 8;
    number_ = hexadecimal ? 0 : digit(c);
    digits_left_ = 2;
    state_ = State::ansi_number;
    return;
  }
  state_ = State::ansi_quoted;
  const std::optional<char> byte = byte_of(c);
  if (!byte)
    append('\\');
  append(byte.value_or(c));
}

void Splitter::read_ansi_number(char c) {
  if (digits_left_ > 0 && digit(c) < static_cast<unsigned>(base_)) {
    number_ = number_ * static_cast<unsigned>(base_) + digit(c);
    if (--digits_left_ == 0)
      end_ansi_number();
    return;
  }
  end_ansi_number();
  read(c);
}

void Splitter::end_ansi_number() {
  append(static_cast<char>(number_ & 0xff));
  state_ = State::ansi_quoted;
}

void Splitter::open(State quote) {
  state_ = quote;
  opened_in_ = line_;
  if (!word_)
    word_.emplace();
}

/// What is too large is still read, and not kept.
void Splitter::append(char c) {
  if (!word_)
    word_.emplace();
  if (size_ <= commands_bytes_max)
    *word_ += c;
}

void Splitter::end_word() {
  if (word_ && size_ <= commands_bytes_max)
    words_.push_back(std::move(*word_));
  word_.reset();
}

void Splitter::end_command() {
  end_word();
  if (!words_.empty())
    commands_.push_back(std::move(words_));
  words_.clear();
}

bool Splitter::is_open() const {
  return joined_ || (state_ != State::plain && state_ != State::dollar && state_ != State::comment);
}

Result<std::vector<Words>> Splitter::take() {
  if (state_ == State::dollar)
    append('$');
  end_command();
  std::vector<Words> commands = std::exchange(commands_, {});
  const std::string wrong = problem();
  const bool too_large = std::exchange(size_, 0) > commands_bytes_max;
  state_ = State::plain;
  joined_ = false;
  if (!wrong.empty())
    return {Refusal::invalid, wrong};
  if (too_large)
    return {Refusal::too_large, std::to_string(commands_bytes_max)};
  return commands;
}

/// What is not complete where the text ends.
std::string Splitter::problem() const {
  const std::string where = " in line " + std::to_string(opened_in_);
  switch (state_) {
    case State::plain:
    case State::dollar:
    case State::comment:
      return {};
    case State::escape:
      return "nothing follows the last \\" + where;
    case State::single_quoted:
      return "the '" + where + " is not closed";
    case State::double_quoted:
    case State::double_escape:
      return "the \"" + where + " is not closed";
    case State::ansi_quoted:
    case State::ansi_escape:
    case State::ansi_number:
      return "the $'" + where + " is not closed";
  }
  return {};
}

Result<std::vector<Words>> split(std::string_view text) {
  Splitter splitter;
  splitter.add(text);
  return splitter.take();
}

}  // namespace troupe::shell
