#include "wire/command.hpp"

#include "wire/command_generated.h"

#include <memory>
#include <utility>

namespace troupe::wire {

namespace {

constexpr std::size_t alignment = 8;

bool is_aligned(const std::uint8_t* data) {
  return reinterpret_cast<std::uintptr_t>(data) % alignment == 0;
}

/// Whether a field of the table is set that stands behind the payload: one of a later version.
bool has_unknown_fields(const schema::Command& command) {
  const auto* table = reinterpret_cast<const flatbuffers::Table*>(&command);
  const auto vtable_bytes = flatbuffers::ReadScalar<flatbuffers::voffset_t>(table->GetVTable());
  constexpr std::size_t slot_bytes = sizeof(flatbuffers::voffset_t);
  for (std::size_t slot = schema::Command::VT_PAYLOAD + slot_bytes;
       slot + slot_bytes <= vtable_bytes; slot += slot_bytes)
    if (table->GetOptionalFieldOffset(static_cast<flatbuffers::voffset_t>(slot)) != 0)
      return true;
  return false;
}

bool has_reserved_fields(const schema::Command& command) {
  return command.session() != 0 || command.sequence() != 0
         || (command.resource() != nullptr && command.resource()->size() > 0)
         || has_unknown_fields(command);
}

}  // namespace

Bytes encode_command(std::span<const std::uint8_t> payload) {
  constexpr std::size_t envelope_bytes = 64;
  flatbuffers::FlatBufferBuilder builder(payload.size() + envelope_bytes);
  builder.ForceVectorAlignment(payload.size(), 1, alignment);
  const auto bytes = builder.CreateVector(payload.data(), payload.size());
  schema::CommandBuilder command(builder);
  command.add_payload(bytes);
  schema::FinishCommandBuffer(builder, command.Finish());

  auto owner = std::make_shared<flatbuffers::DetachedBuffer>(builder.Release());
  const std::span<const std::uint8_t> view(owner->data(), owner->size());
  // The builder aligns backwards from the end of its buffer, so the start is aligned by what it
  // holds; an envelope without payload holds nothing that asks for it.
  if (!is_aligned(view.data()))
    return Bytes::copy_of(view);
  return {std::move(owner), view};
}

std::optional<CommandView> read_command(const Bytes& envelope) {
  if (!is_aligned(envelope.data())) {
    // Not from our own codecs, which align. Read a copy, and point into the original.
    const Bytes copy = Bytes::copy_of(envelope.span());
    const auto view = read_command(copy);
    if (!view || view->payload.empty())
      return view;
    const auto offset = static_cast<std::size_t>(view->payload.data() - copy.data());
    return CommandView{.payload = envelope.span().subspan(offset, view->payload.size()),
                       .reserved = view->reserved};
  }

  constexpr flatbuffers::uoffset_t depth_max = 2;
  constexpr flatbuffers::uoffset_t tables_max = 2;
  flatbuffers::Verifier verifier(envelope.data(), envelope.size(), depth_max, tables_max);
  if (!schema::VerifyCommandBuffer(verifier))
    return std::nullopt;
  const schema::Command* command = schema::GetCommand(envelope.data());
  const bool reserved = has_reserved_fields(*command);
  const auto* payload = command->payload();
  if (payload == nullptr || payload->size() == 0)
    return CommandView{.payload = {}, .reserved = reserved};
  if (!is_aligned(payload->data()))
    return std::nullopt;
  return CommandView{.payload = {payload->data(), payload->size()}, .reserved = reserved};
}

}  // namespace troupe::wire
