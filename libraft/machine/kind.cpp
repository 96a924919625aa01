#include "machine/kind.hpp"

#include "machine/kind_problem.hpp"

#include <utility>

namespace troupe::machine {

namespace {

/// The functions that `kind` lacks: "make, show_reply".
std::string missing_functions(const Kind& kind) {
  const KindText text = kind.text.value_or(KindText{});
  const bool has_text = kind.text.has_value();
  const std::pair<const char*, bool> functions[] = {
      {"make", kind.make != nullptr},
      {"valid_command", kind.valid_command != nullptr},
      {"valid_query", kind.valid_query != nullptr},
      {"parse_command", !has_text || text.parse_command != nullptr},
      {"parse_query", !has_text || text.parse_query != nullptr},
      {"show_command", !has_text || text.show_command != nullptr},
      {"show_reply", !has_text || text.show_reply != nullptr},
  };
  std::string missing;
  for (const auto& [name, is_there] : functions)
    if (!is_there)
      missing += (missing.empty() ? "" : ", ") + std::string(name);
  return missing;
}

}  // namespace

/// A second kind of one name is kept under a name that is not its own, for `problem` to find.
Kinds kinds(std::vector<Kind> list) {
  Kinds by_name;
  for (Kind& kind : list) {
    std::string name = kind.name;
    while (by_name.contains(name))
      name += '+';
    by_name.emplace(std::move(name), std::move(kind));
  }
  return by_name;
}

std::string problem(const Kind& kind) {
  if (kind.name.empty())
    return "a kind of resource has no name";
  const std::string subject = "the kind '" + kind.name + "' ";
  if (const std::string missing = missing_functions(kind); !missing.empty())
    return subject + "lacks " + missing;
  return kind.make() == nullptr ? subject + "makes no resource: its function make gives null" : "";
}

std::string problem(const Kinds& kinds) {
  for (const auto& [name, kind] : kinds) {
    if (std::string wrong = problem(kind); !wrong.empty())
      return wrong;
    if (name == kind.name)
      continue;
    const bool is_twice = name.starts_with(kind.name) && kinds.contains(kind.name);
    return is_twice ? "two kinds of resources are called '" + name.substr(0, kind.name.size()) + "'"
                    : "the kind '" + kind.name + "' is known by another name: '" + name + "'";
  }
  return "";
}

}  // namespace troupe::machine
