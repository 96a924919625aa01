#include "shell/keys.hpp"

#include <algorithm>
#include <utility>

namespace troupe::shell {

namespace {

constexpr char escape = '\x1b';

/// Longer than any key's. What is longer is dropped, and the rest of it is typed.
constexpr std::size_t sequence_bytes_max = 64;

constexpr std::string_view to_begin = "\x01";  ///< Ctrl-A.
constexpr std::string_view to_end = "\x05";    ///< Ctrl-E.
constexpr std::string_view word_right =
    "\x1b"
    "f";
constexpr std::string_view word_left =
    "\x1b"
    "b";
constexpr std::string_view delete_next = "\x1b[3~";

/// `ESC [ 15 ~`, `ESC [ 1 ; 5 C`: the number before the last byte, and the modifiers behind it.
std::string_view of_number(std::string_view number) {
  if (number == "1" || number == "7")
    return to_begin;
  if (number == "4" || number == "8")
    return to_end;
  return number == "3" ? delete_next : std::string_view();
}

std::string_view of_letter(char letter, bool modified) {
  switch (letter) {
    case 'A':
      return "\x1b[A";
    case 'B':
      return "\x1b[B";
    case 'C':
      return modified ? word_right : "\x1b[C";
    case 'D':
      return modified ? word_left : "\x1b[D";
    case 'H':
      return to_begin;
    case 'F':
      return to_end;
    case 'c':
      return word_right;
    case 'd':
      return word_left;
    default:
      return {};
  }
}

}  // namespace

std::string Keys::add(char byte) {
  if (begun_.empty() && byte != escape)
    return std::string(1, byte);
  // A second Escape begins anew.
  if (!begun_.empty() && byte == escape) {
    begun_ = escape;
    return {};
  }
  begun_ += byte;
  if (begun_.size() == 1)
    return {};
  if (begun_[1] != '[' && begun_[1] != 'O')
    return std::exchange(begun_, {});  // Alt and a character.
  if (begun_.size() > sequence_bytes_max) {
    begun_.clear();
    return {};
  }
  return is_complete() ? translated(std::exchange(begun_, {})) : std::string();
}

bool Keys::is_complete() const {
  if (begun_.size() < 3)
    return false;
  const char last = begun_.back();
  if (begun_[1] == 'O')
    return !(last >= '0' && last <= '9') && last != ';';
  // The console of Linux has `ESC [ [ A` for F1.
  if (begun_[2] == '[')
    return begun_.size() > 3;
  return last >= 0x40 && last <= 0x7e;
}

std::chrono::milliseconds Keys::patience() const {
  return std::chrono::milliseconds(begun_.size() == 1 ? 60 : 500);
}

std::string Keys::give_up() {
  // Alone it is the key; what began as a sequence is none that is known.
  const std::string begun = std::exchange(begun_, {});
  return begun.size() == 1 ? begun : std::string();
}

std::string translated(std::string_view sequence) {
  if (sequence.size() < 3 || sequence.substr(2).starts_with('['))
    return {};
  const std::string_view parameters = sequence.substr(2, sequence.size() - 3);
  // Answers of the terminal to questions that nobody asked.
  if (parameters.find_first_not_of("0123456789;") != std::string_view::npos)
    return {};
  const std::size_t semicolon = std::min(parameters.find(';'), parameters.size());
  const std::string_view number = parameters.substr(0, semicolon);
  if (sequence.back() == '~')
    return std::string(of_number(number));
  const bool modified = semicolon < parameters.size() || (!number.empty() && number != "1");
  return std::string(of_letter(sequence.back(), modified));
}

}  // namespace troupe::shell
