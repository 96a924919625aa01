#pragma once

#include <troupe/kind.hpp>

#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// A user's own kind of resource, as small as one can be: "add" adds one and is answered with the
/// count, "show" asks for it.
class Tally : public troupe::Resource {
public:
  troupe::Reply apply(const troupe::Command&) override {
    ++count_;
    return troupe::Reply::ok(std::to_string(count_));
  }

  troupe::Reply query(troupe::View) const override {
    return troupe::Reply::ok(std::to_string(count_));
  }

  std::string save() const override { return std::to_string(count_); }

  bool load(troupe::View saved) override {
    count_ = 0;
    const std::string_view text = troupe::machine::text(saved);
    return std::from_chars(text.data(), text.data() + text.size(), count_).ec == std::errc{};
  }

private:
  std::uint64_t count_ = 0;
};

inline troupe::Kind tally_kind() {
  using namespace troupe::machine;
  const auto parse = [](const Words& words) -> troupe::Result<std::string> {
    return words.empty() ? std::string() : words.front();
  };
  return {
      .name = "tally",
      .make = []() -> std::unique_ptr<Resource> { return std::make_unique<Tally>(); },
      .valid_command = [](View command) { return text(command) == "add"; },
      .valid_query = [](View query) { return text(query) == "show"; },
      .text =
          KindText{
              .help = "add    add one\nshow   the count\n",
              .parse_command = parse,
              .parse_query = parse,
              .show_command = [](View command) { return std::string(text(command)); },
              .show_reply = [](View, std::string_view value) { return std::string(value); },
          },
  };
}
