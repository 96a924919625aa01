#include "shell/editor.hpp"

#include "core/assert.hpp"
#include "shell/keys.hpp"
#include "shell/terminal_guard.hpp"

#include <histedit.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace troupe::shell {

namespace {

constexpr int history_lines_max = 1000;
constexpr std::chrono::milliseconds look_up_interval{200};

}  // namespace

struct Editor::Parts {
  TerminalGuard guard{};  // First: it remembers the terminal as nobody has changed it yet.
  EditorOptions options;
  Signals& signals;
  EditLine* line = nullptr;
  History* history = nullptr;
  bool cancelled = false;
  bool continues = false;
  std::mbstate_t decoding{};
  Keys keys{};
  std::string unread{};  // Bytes of keys that are not given to libedit yet.

  Parts(EditorOptions given_options, Signals& given_signals)
      : options(std::move(given_options)), signals(given_signals) {}

  static Parts& of(EditLine* line) {
    Parts* parts = nullptr;
    el_get(line, EL_CLIENTDATA, &parts);
    TROUPE_ASSERT(parts != nullptr);
    return *parts;
  }

  static char* prompt(EditLine* line) {
    static std::string continuation = "> ";
    Parts& parts = of(line);
    return (parts.continues ? continuation : parts.options.prompt).data();
  }
  static int get_character(EditLine* line, wchar_t* character) {
    return of(line).read_character(character);
  }
  static unsigned char complete(EditLine* line, int) { return of(line).complete_word(); }

  void remember(const char* text);
  int read_character(wchar_t* character);
  int read_byte(char* byte);
  unsigned char complete_word();
  void show_choices(const Completion& completion) const;
};

/// Reads as libedit's own function would, but for news that ends or cancels the line. Returns the
/// number of characters, 0 for the end.
int Editor::Parts::read_character(wchar_t* character) {
  for (;;) {
    char byte = 0;
    if (read_byte(&byte) != 1)
      return 0;
    const std::size_t size = std::mbrtowc(character, &byte, 1, &decoding);
    if (size == static_cast<std::size_t>(-2))
      continue;  // The first bytes of a character that is not complete.
    if (size == static_cast<std::size_t>(-1)) {
      decoding = {};
      continue;  // Not a character in anybody's language.
    }
    return 1;
  }
}

int Editor::Parts::read_byte(char* byte) {
  for (;;) {
    if (!unread.empty()) {
      *byte = unread.front();
      unread.erase(0, 1);
      return 1;
    }
    const bool readable =
        signals.wait(keys.is_waiting() ? keys.patience() : look_up_interval, STDIN_FILENO);
    if (signals.stop_requested() || !options.may_go_on())
      return 0;
    if (signals.take_interrupt()) {
      cancelled = true;
      return 0;
    }
    if (signals.take_resize())
      el_resize(line);
    if (guard.take_resumed())
      el_set(line, EL_REFRESH);
    if (!readable) {
      unread += keys.give_up();
      continue;
    }
    const ssize_t size = read(STDIN_FILENO, byte, 1);
    if (size > 0)
      unread += keys.add(*byte);
    else if (size == 0 || (errno != EINTR && errno != EAGAIN))
      return static_cast<int>(size);
  }
}

unsigned char Editor::Parts::complete_word() {
  const LineInfo* info = el_line(line);
  const std::string_view before(info->buffer,
                                static_cast<std::size_t>(info->cursor - info->buffer));
  const Completion completion = shell::complete(before, options.vocabulary());
  const std::string addition = completion.addition();
  if (!addition.empty())
    return el_insertstr(line, addition.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  if (completion.choices.empty())
    return CC_REFRESH_BEEP;
  show_choices(completion);
  return CC_REDISPLAY;
}

void Editor::Parts::show_choices(const Completion& completion) const {
  std::fputc('\n', stdout);
  for (const std::string& choice : completion.choices)
    std::fprintf(stdout, "%s  ", choice.c_str());
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void Editor::Parts::remember(const char* text) {
  const std::string_view typed(text);
  if (typed.find_first_not_of(" \t\n") == std::string_view::npos)
    return;
  HistEvent event{};
  ::history(history, &event, H_ENTER, text);
  // Saved at once: whatever ends the process, what was typed is there again.
  if (!options.history_file.empty())
    ::history(history, &event, H_SAVE, options.history_file.c_str());
}

Editor::Editor(EditorOptions options, Signals& signals)
    : parts_(std::make_unique<Parts>(std::move(options), signals)) {
  // How bytes make characters is the terminal's choice, which the locale tells.
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1)
    std::setlocale(LC_CTYPE, "C.UTF-8");

  parts_->history = history_init();
  TROUPE_ASSERT(parts_->history != nullptr);
  HistEvent event{};
  history(parts_->history, &event, H_SETSIZE, history_lines_max);
  history(parts_->history, &event, H_SETUNIQUE, 1);
  if (!parts_->options.history_file.empty())
    history(parts_->history, &event, H_LOAD, parts_->options.history_file.c_str());

  parts_->line = el_init("troupe", stdin, stdout, stderr);
  TROUPE_ASSERT(parts_->line != nullptr);
  EditLine* line = parts_->line;
  el_set(line, EL_CLIENTDATA, parts_.get());
  el_set(line, EL_PROMPT, &Parts::prompt);
  el_set(line, EL_EDITOR, "emacs");
  el_set(line, EL_SIGNAL, 0);
  el_set(line, EL_HIST, history, parts_->history);
  el_set(line, EL_ADDFN, "complete", "complete a word", &Parts::complete);
  el_set(line, EL_BIND, "^I", "complete", nullptr);
  el_set(line, EL_BIND, "\\e[3~", "ed-delete-next-char", nullptr);
  el_set(line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_set(line, EL_GETCFN, &Parts::get_character);
}

Editor::~Editor() {
  el_end(parts_->line);
  history_end(parts_->history);
}

Line Editor::next(bool continues) {
  parts_->continues = continues;
  parts_->signals.take_interrupt();  // It was for what ran before this line.
  parts_->cancelled = false;
  int size = 0;
  const char* text = el_gets(parts_->line, &size);
  if (parts_->cancelled) {
    el_reset(parts_->line);
    std::fputs("^C\n", stdout);
    return {.kind = Line::Kind::cancelled, .text = {}};
  }
  if (text == nullptr || size <= 0) {
    std::fputc('\n', stdout);
    return {};
  }
  parts_->remember(text);
  std::string_view typed(text, static_cast<std::size_t>(size));
  if (typed.ends_with('\n'))
    typed.remove_suffix(1);
  return {.kind = Line::Kind::text, .text = std::string(typed)};
}

std::string history_file() {
  namespace fs = std::filesystem;
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  fs::path directory;
  if (state != nullptr && *state == '/')
    directory = state;
  else if (home != nullptr && *home == '/')
    directory = fs::path(home) / ".local" / "state";
  else
    return {};
  std::error_code problem;
  fs::create_directories(directory, problem);
  return problem ? std::string() : (directory / "troupe_history").string();
}

}  // namespace troupe::shell
