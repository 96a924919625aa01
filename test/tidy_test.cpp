// The house rules as a test: what each room may include, what would make a replay differ from the
// run it replays, and what every file looks like. Reads the whole source tree, writes nothing.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr std::size_t columns_max = 100;
constexpr std::size_t lines_max = 600;

struct File {
  std::string path{};  ///< From the root of the repository: "libraft/core/log.hpp".
  std::vector<std::string> lines{};
};

bool ends_with_any(std::string_view text, const std::vector<std::string_view>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return text.ends_with(ending); });
}

/// Folders whose contents are not ours: version control, builds, caches of tools.
bool is_foreign(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name == "build" || name == "__pycache__" || (name.starts_with('.') && name != ".ci");
}

bool is_cpp(std::string_view path) {
  return ends_with_any(path, {".hpp", ".cpp"});
}

bool is_document(std::string_view path) {
  return path.ends_with(".md");
}

/// Anything a human wrote line by line.
bool is_code(std::string_view path) {
  return is_cpp(path)
         || ends_with_any(path, {".fbs", ".cmake", ".cmake.in", "CMakeLists.txt", ".py", ".sh"})
         || path == "dev" || path.starts_with(".ci/");
}

File read_file(const fs::path& root, const fs::path& path) {
  File file{.path = fs::relative(path, root).generic_string()};
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);)
    file.lines.push_back(line);
  return file;
}

std::vector<File> read_tree() {
  const fs::path root = SOURCE_DIR;
  std::vector<File> files;
  auto it = fs::recursive_directory_iterator(root);
  for (; it != fs::recursive_directory_iterator(); ++it) {
    if (it->is_directory() && is_foreign(it->path()))
      it.disable_recursion_pending();
    const std::string path = fs::relative(it->path(), root).generic_string();
    if (it->is_regular_file() && (is_code(path) || is_document(path)))
      files.push_back(read_file(root, it->path()));
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

const std::vector<File>& tree() {
  static const std::vector<File> files = read_tree();
  return files;
}

/// Calls `visit(file, line, place)` for each line of the files that `wanted` wants.
template <class Wanted, class Visit>
void for_each_line(Wanted wanted, Visit visit) {
  for (const File& file : tree()) {
    if (!wanted(file.path))
      continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i)
      visit(file, file.lines[i], file.path + ":" + std::to_string(i + 1) + ": ");
  }
}

/// The line without its comment. A `//` in a string ends it too soon, which hides nothing that
/// the rules below look for.
std::string_view code_of(std::string_view line) {
  return line.substr(0, line.find("//"));
}

// ---- rooms

/// "libraft/core/log.hpp" is of the room "core", "actors/node/node.cpp" of "actors".
std::string room_of(std::string path) {
  const std::string_view libraft = "libraft/";
  if (path.starts_with(libraft))
    path.erase(0, libraft.size());
  return path.substr(0, path.find('/'));
}

bool is_client(std::string_view path) {
  return path.substr(path.rfind('/') + 1).find("client") != std::string_view::npos;
}

struct Arrows {
  std::vector<std::string> ours{};    ///< Rooms, beside itself: "core/".
  std::vector<std::string> theirs{};  ///< Beginnings of what stands in angle brackets.
  bool system = false;                ///< Also <unistd.h> and its like.
};

/// What each room may include beside the standard library. Arrows point one way; so does this
/// table. Rooms that are missing here may include everything but examples and tests.
const std::map<std::string, Arrows> arrows = {
    {"core", {}},
    {"machine", {.ours = {"core/"}}},
    {"wire", {.ours = {"core/", "machine/"}, .theirs = {"flatbuffers/", "isa-l"}}},
    {"storage",
     {.ours = {"core/", "machine/", "wire/"},
      .theirs = {"flatbuffers/", "isa-l", "lmdb.h", "xxhash.h"},
      .system = true}},
    {"actors",
     {.ours = {"core/", "machine/", "wire/", "storage/"},
      .theirs = {"flatbuffers/", "caf/", "spdlog/"},
      .system = true}},
    {"resources", {.ours = {"core/", "machine/"}, .theirs = {"flatbuffers/", "tsl/"}}},
};

/// Layers in folders, and what each folder may include of the others. "" is what lies beside them.
using FolderArrows = std::map<std::string, std::vector<std::string>, std::less<>>;
const std::map<std::string, FolderArrows, std::less<>> folder_arrows = {
    {"storage", {{"", {}}, {"journal", {""}}, {"lmdb", {"", "journal"}}, {"snapshots", {""}}}},
    {"actors",
     {{"runtime", {}},
      {"transport", {"runtime"}},
      {"disk", {"runtime"}},
      {"machine", {"runtime", "disk"}},
      {"peer", {"runtime", "transport", "disk", "machine"}},
      {"node", {"runtime", "transport", "disk", "machine", "peer"}},
      {"client", {"runtime", "transport", "node"}}}},
};

/// "actors/node/node.cpp" is of the folder "node" of "actors".
std::string folder_of(std::string_view path, const std::string& layer) {
  path.remove_prefix(path.find(layer + "/") + layer.size() + 1);
  return path.find('/') == std::string_view::npos ? ""
                                                  : std::string(path.substr(0, path.find('/')));
}

bool may_include_folder(const std::string& path, std::string_view name, const std::string& layer) {
  const auto folders = folder_arrows.find(layer);
  if (folders == folder_arrows.end())
    return true;
  const std::string from = folder_of(path, layer);
  const std::string to = folder_of(name, layer);
  const auto arrow = folders->second.find(from);
  return arrow != folders->second.end()
         && (from == to || std::ranges::find(arrow->second, to) != arrow->second.end());
}

struct Include {
  std::string name{};
  bool quoted = false;
};

/// An empty name if `line` includes nothing.
Include include_of(std::string_view line) {
  static const std::regex directive(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  std::match_results<std::string_view::const_iterator> match;
  if (line.find('#') == std::string_view::npos
      || !std::regex_search(line.begin(), line.end(), match, directive))
    return {};
  return {.name = match[2].str(), .quoted = *match[1].first == '"'};
}

/// A header of the standard library has neither a folder nor a suffix.
bool is_standard(const Include& include) {
  return !include.quoted && include.name.find_first_of("/.") == std::string::npos;
}

bool is_system(const Include& include) {
  static const std::set<std::string, std::less<>> headers = {
      "arpa/inet.h", "dirent.h", "fcntl.h",  "netdb.h",   "poll.h",
      "pthread.h",   "signal.h", "stdlib.h", "termios.h", "unistd.h"};
  return !include.quoted
         && (headers.contains(include.name) || include.name.starts_with("sys/")
             || include.name.starts_with("net/") || include.name.starts_with("netinet/")
             || include.name.starts_with("linux/"));
}

bool starts_with_any(std::string_view text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const std::string& beginning) { return text.starts_with(beginning); });
}

/// A resource sees its own folder and what all share (files directly in resources/), the shared
/// files see every resource, and clients also see the actors.
bool may_include_resource(const std::string& path, std::string_view name) {
  if (is_client(path) && name.starts_with("actors/"))
    return true;
  if (!name.starts_with("resources/"))
    return false;
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const bool is_shared = name.find('/') == name.rfind('/');
  return folder == "resources/" || is_shared || name.starts_with(folder);
}

bool may_include(const std::string& path, const Include& include) {
  if (is_standard(include))
    return true;
  const std::string room = room_of(path);
  if (room == "test")
    return true;
  if (include.quoted && room_of(include.name) == "test")
    return false;
  if (include.quoted && room_of(include.name) == "examples")
    return room == "examples";
  const auto arrow = arrows.find(room);
  if (arrow == arrows.end())
    return true;
  if (!include.quoted)
    return starts_with_any(include.name, arrow->second.theirs)
           || (arrow->second.system && is_system(include));
  if (starts_with_any(include.name, arrow->second.ours))
    return true;
  if (room == "resources")
    return may_include_resource(path, include.name);
  return include.name.starts_with(room + "/") && may_include_folder(path, include.name, room);
}

/// Where the same inputs must give the same outputs, byte for byte, on every replica.
bool is_deterministic(const std::string& path) {
  const std::string room = room_of(path);
  return is_cpp(path)
         && (room == "core" || room == "machine" || (room == "resources" && !is_client(path)));
}

// ---- documents

/// What a heading is called in a link: "The *wire*, 2" is "the-wire-2".
std::string anchor_of(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || std::isalnum(byte) != 0 || c == '_' || c == '-')
      anchor += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
    else if (c == ' ')
      anchor += '-';
  }
  return anchor;
}

/// The lines of a document that are not code.
std::vector<std::string> prose_of(const File& file) {
  std::vector<std::string> lines;
  bool is_fenced = false;
  for (const std::string& line : file.lines) {
    const std::size_t text = line.find_first_not_of(' ');
    const bool is_fence =
        text != std::string::npos
        && (line.compare(text, 3, "```") == 0 || line.compare(text, 3, "~~~") == 0);
    if (is_fence)
      is_fenced = !is_fenced;
    lines.push_back(is_fenced || is_fence ? "" : line);
  }
  return lines;
}

std::vector<std::string> headings_of(const File& file) {
  std::vector<std::string> headings;
  for (const std::string& line : prose_of(file)) {
    const std::size_t text = line.find_first_not_of('#');
    if (line.starts_with('#') && text != std::string::npos && line[text] == ' ')
      headings.push_back(line.substr(text + 1));
  }
  return headings;
}

const File* find_file(const std::string& path) {
  const auto found = std::find_if(tree().begin(), tree().end(),
                                  [&](const File& file) { return file.path == path; });
  return found == tree().end() ? nullptr : &*found;
}

/// Why the link leads nowhere; empty if it leads somewhere, or out of the repository.
std::string dead_link(const File& from, const std::string& target) {
  if (target.find(':') != std::string::npos)
    return "";
  const std::size_t hash = target.find('#');
  const std::string name = target.substr(0, hash);
  const fs::path folder = fs::path(from.path).parent_path();
  const std::string path = name.empty() ? from.path : (folder / name).lexically_normal().string();
  if (path.starts_with("..") || !fs::exists(fs::path(SOURCE_DIR) / path))
    return "there is no " + path;
  const File* file = find_file(path);
  if (hash == std::string::npos || file == nullptr || !is_document(path))
    return "";
  for (const std::string& heading : headings_of(*file))
    if (anchor_of(heading) == target.substr(hash + 1))
      return "";
  return path + " has no heading for " + target.substr(hash);
}

std::vector<std::string> links_of(const std::string& line) {
  static const std::regex link(R"re(\]\(<?([^)<>\s]+)>?(?:\s+"[^"]*")?\))re");
  // Code between single backticks may look like a link.
  static const std::regex code(R"re(`[^`]*`)re");
  if (line.find("](") == std::string::npos)
    return {};
  const std::string text = std::regex_replace(line, code, "");
  std::vector<std::string> links;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), link); it != std::sregex_iterator();
       ++it)
    links.push_back((*it)[1].str());
  return links;
}

}  // namespace

TEST_CASE("every room includes only the rooms below it") {
  for_each_line(is_cpp, [](const File& file, const std::string& line, const std::string& place) {
    const Include include = include_of(line);
    if (!include.name.empty() && !may_include(file.path, include))
      FAIL_CHECK(place << room_of(file.path) << " may not include " << include.name);
  });
}

TEST_CASE("generated headers stay in sources, so that no user needs the schema compiler") {
  for_each_line(
      [](const std::string& path) { return path.ends_with(".hpp"); },
      [](const File& file, const std::string& line, const std::string& place) {
        if (room_of(file.path) != "test" && include_of(line).name.ends_with("_generated.h"))
          FAIL_CHECK(place << "a generated header in a header");
      });
}

TEST_CASE("no header can be told to make a mistake: it would be another in another program") {
  for_each_line([](const std::string& path) { return path.ends_with(".hpp"); },
                [](const File&, const std::string& line, const std::string& place) {
                  if (include_of(line).name == "core/mutant.hpp")
                    FAIL_CHECK(place << "mutants belong into sources");
                });
}

TEST_CASE("a mistake is the whole condition of an if statement, and bends no rule from within") {
  const std::regex whole(R"(\s*(\} )?(else )?if \(!?mutant\(Mutant::\w+\)\)( \{)?\s*)");
  std::size_t mistakes = 0;
  for_each_line(
      [](const std::string& path) {
        return path.starts_with("libraft/") && path.ends_with(".cpp")
               && path != "libraft/core/mutant.cpp";
      },
      [&](const File&, const std::string& line, const std::string& place) {
        const std::string code(code_of(line));
        if (code.find("mutant(") == std::string::npos)
          return;
        ++mistakes;
        if (!std::regex_match(code, whole))
          FAIL_CHECK(place << line);
      });
  CHECK(mistakes > 80);
}

TEST_CASE("what must replay contains no clock, no chance, no thread and no hash order") {
  const std::regex banned(
      R"(random_device|_clock::now|\bunordered_|std::(jthread|thread|mutex|async)\b|\brand\()"
      R"(|\btsl::|\btime\(|std::(cout|cerr)\b)");
  const std::set<std::string, std::less<>> headers = {"condition_variable",
                                                      "fstream",
                                                      "future",
                                                      "iostream",
                                                      "mutex",
                                                      "random",
                                                      "thread",
                                                      "ctime",
                                                      "unordered_map",
                                                      "unordered_set"};
  for_each_line(is_deterministic,
                [&](const File&, const std::string& line, const std::string& place) {
                  // It has a table of hashes, and no way to learn of their order.
                  if (place.starts_with("resources/kv_store/key_index.hpp"))
                    return;
                  const std::string code(code_of(line));
                  if (std::regex_search(code, banned) || headers.contains(include_of(code).name))
                    FAIL_CHECK(place << line);
                });
}

TEST_CASE("no line is longer than a reader's window, and no file longer than a sitting") {
  for_each_line(is_code, [](const File&, const std::string& line, const std::string& place) {
    // Columns, not bytes: continuation bytes of UTF-8 take no room.
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    });
    if (static_cast<std::size_t>(columns) > columns_max)
      FAIL_CHECK(place << columns << " columns");
  });
  for (const File& file : tree())
    if (is_code(file.path) && file.lines.size() > lines_max)
      FAIL_CHECK(file.path << " has " << file.lines.size() << " lines");
}

TEST_CASE("nothing is left to fix, and what is left to do has an issue number") {
  // In two halves, for this file is read too.
  const std::string fix = std::string("FIX") + "ME";
  const std::string todo = std::string("TO") + "DO";
  const std::regex with_issue(todo + R"( ?\(?#[0-9]+)");
  for_each_line([](const std::string&) { return true; },
                [&](const File& file, const std::string& line, const std::string& place) {
                  // Documents may speak of both.
                  if (is_document(file.path))
                    return;
                  if (line.find(fix) != std::string::npos)
                    FAIL_CHECK(place << line);
                  if (line.find(todo) != std::string::npos && !std::regex_search(line, with_issue))
                    FAIL_CHECK(place << line);
                });
}

TEST_CASE("no file knows where it lies") {
  const std::array<std::string, 3> homes = {std::string("/ho") + "me/", std::string("/ro") + "ot/",
                                            std::string("/Us") + "ers/"};
  for_each_line([](const std::string&) { return true; },
                [&](const File&, const std::string& line, const std::string& place) {
                  for (const std::string& home : homes) {
                    const std::size_t at = line.find(home);
                    // A relative path may have a folder of that name.
                    const bool is_absolute =
                        at != std::string::npos
                        && (at == 0 || std::isalnum(static_cast<unsigned char>(line[at - 1])) == 0);
                    if (is_absolute)
                      FAIL_CHECK(place << line);
                  }
                });
}

TEST_CASE("sentences name their subject: none begins with a clause about somebody") {
  // In code behind the mark of a comment or another sentence, in documents also where a line
  // begins. Tables may show how not to write.
  const std::regex clause(R"re((//|#|"""|///?<?|[.!?]) (Who|Whom|Whoever) )re");
  const std::regex at_start(R"re(^([-*] )?(Who|Whom|Whoever) )re");
  for_each_line([](const std::string& path) { return is_code(path) || is_document(path); },
                [&](const File& file, const std::string& line, const std::string& place) {
                  // What was decided and released stays as it was written.
                  if (file.path.starts_with("docs/decisions/") || file.path == "CHANGELOG.md")
                    return;
                  if (std::regex_search(line, clause)
                      || (is_document(file.path) && std::regex_search(line, at_start)))
                    FAIL_CHECK(place << line);
                });
}

TEST_CASE("each header may be included twice") {
  for (const File& file : tree()) {
    if (file.path.ends_with(".hpp")
        && std::find(file.lines.begin(), file.lines.end(), "#pragma once") == file.lines.end())
      FAIL_CHECK(file.path << " lacks #pragma once");
  }
}

TEST_CASE("test cases are in files named for it, where the build looks for them") {
  const std::string macro = std::string("TEST_") + "CASE(";
  for_each_line(is_cpp, [&](const File& file, const std::string& line, const std::string& place) {
    if (line.starts_with(macro) && !file.path.ends_with("_test.cpp"))
      FAIL_CHECK(place << "a test case outside of a *_test.cpp");
  });
}

TEST_SUITE_BEGIN("documents");

TEST_CASE("operators can look up each event that a node logs") {
  const File* manual = find_file("docs/log.md");
  REQUIRE(manual != nullptr);
  std::string text;
  for (const std::string& line : manual->lines)
    text += line + "\n";
  const std::regex name(R"re("([a-z_]+)")re");
  std::size_t events = 0;
  for_each_line(
      [](const std::string& path) { return room_of(path) == "actors" && path.ends_with(".cpp"); },
      [&](const File&, const std::string& line, const std::string& place) {
        if (line.find("LogLevel::") == std::string::npos)
          return;
        // Before the fields.
        const std::string code(code_of(line).substr(0, line.find('{')));
        for (auto it = std::sregex_iterator(code.begin(), code.end(), name);
             it != std::sregex_iterator(); ++it, ++events)
          if (text.find("`" + (*it)[1].str() + "`") == std::string::npos)
            FAIL_CHECK(place << (*it)[1].str() << " is not in docs/log.md");
      });
  CHECK(events > 20);
}

TEST_CASE("each document has one title") {
  for (const File& file : tree()) {
    if (!is_document(file.path))
      continue;
    const std::vector<std::string> lines = prose_of(file);
    const auto titles = std::count_if(
        lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("# "); });
    if (titles != 1)
      FAIL_CHECK(file.path << " has " << titles << " titles");
  }
}

TEST_CASE("each link of a document leads somewhere") {
  for (const File& file : tree()) {
    if (!is_document(file.path))
      continue;
    const std::vector<std::string> lines = prose_of(file);
    for (std::size_t i = 0; i < lines.size(); ++i)
      for (const std::string& link : links_of(lines[i]))
        if (const std::string why = dead_link(file, link); !why.empty())
          FAIL_CHECK(file.path << ":" << i + 1 << ": " << link << ": " << why);
  }
}

TEST_CASE("the README leads to every page for its readers") {
  const File* readme = find_file("README.md");
  REQUIRE(readme != nullptr);
  std::set<std::string> targets;
  for (const std::string& line : prose_of(*readme))
    for (const std::string& link : links_of(line))
      targets.insert(link);
  for (const File& file : tree()) {
    const bool is_page = is_document(file.path) && file.path.starts_with("docs/")
                         && !file.path.starts_with("docs/decisions/");
    if (is_page && !targets.contains(file.path))
      FAIL_CHECK("README.md has no link to " << file.path);
  }
  CHECK(targets.contains("docs/decisions/"));
}

TEST_CASE("each promise of the documents is shown by tests that are there") {
  std::string tests;
  std::map<std::string, std::string> documents{{"docs/consistency.md", {}},
                                               {"docs/failures.md", {}}};
  for (const File& file : tree()) {
    const bool is_test = file.path.starts_with("test/") && is_cpp(file.path);
    const auto document = documents.find(file.path);
    for (const std::string& line : file.lines) {
      if (is_test)
        tests += line;
      if (document != documents.end())
        document->second += line.substr(std::min(line.find_first_not_of(' '), line.size())) + ' ';
    }
  }
  const auto each = [](const std::string& text, const std::regex& wanted, auto visit) {
    for (std::sregex_iterator it(text.begin(), text.end(), wanted), end; it != end; ++it)
      visit((*it)[1].str());
  };
  const auto is_there = [](const std::string& path) {
    if (!fs::exists(fs::path(SOURCE_DIR) / path))
      FAIL_CHECK(path << " is not there");
  };
  for (const auto& [name, document] : documents) {
    const std::string& path = name;  // What is bound can't be captured, says Clang 14.
    CAPTURE(path);
    std::set<std::string> named;
    // In quotes: a test case; in backquotes: a script or a story. Line breaks are blanks to all.
    each(document, std::regex("\"([^\"]+)\""), [&](const std::string& test) {
      named.insert(test);
      if (tests.find('"' + test + '"') == std::string::npos)
        FAIL_CHECK("no test is named \"" << test << "\"");
    });
    each(document, std::regex("`(test/[^`]+)`"), is_there);
    each(document, std::regex("`([a-z0-9_]+\\.txt)`"),
         [&](const std::string& story) { is_there("test/data/" + story); });
    CHECK(named.size() > 20);
  }
}

TEST_SUITE_END();
