#pragma once

#include "machine/kind.hpp"
#include "wire/command.hpp"
#include "wire/command_generated.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace troupe::actors::test {

/// The smallest resource there is: one text. "=x" makes it x and answers what it was; "no" is
/// refused. Any query that is not empty is answered with the text.
class Register : public machine::Resource {
public:
  machine::Reply apply(const machine::Command& command) override {
    const std::string_view bytes = machine::text(command.bytes);
    if (bytes == "no")
      return machine::Reply::refused("no_means_no");
    return machine::Reply::ok(std::exchange(text_, std::string(bytes.substr(1))));
  }
  machine::Reply query(machine::View) const override { return machine::Reply::ok(text_); }
  std::string save() const override { return text_; }
  bool load(machine::View saved) override {
    text_ = machine::text(saved);
    return true;
  }

private:
  std::string text_{};
};

inline machine::Kind register_kind() {
  machine::Kind kind;
  kind.name = "register";
  kind.make = []() -> std::unique_ptr<machine::Resource> { return std::make_unique<Register>(); };
  kind.valid_command = [](machine::View command) {
    const std::string_view bytes = machine::text(command);
    return bytes == "no" || bytes.starts_with('=');
  };
  kind.valid_query = [](machine::View query) { return !query.empty(); };
  return kind;
}

/// A command as clients send it.
inline Bytes command(std::string_view text) {
  return wire::encode_command(machine::bytes(text));
}

/// One with fields that mean nothing yet.
inline Bytes reserved_command(std::string_view text, std::uint64_t session, std::uint64_t sequence,
                              const std::string& resource) {
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceVectorAlignment(text.size(), 1, 8);
  const auto payload =
      builder.CreateVector(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  const auto name = builder.CreateString(resource);
  wire::schema::FinishCommandBuffer(
      builder, wire::schema::CreateCommand(builder, session, sequence, name, payload));
  return Bytes::copy_of(std::span(builder.GetBufferPointer(), builder.GetSize()));
}

}  // namespace troupe::actors::test
