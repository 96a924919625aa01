#pragma once

#include <string>
#include <string_view>

namespace troupe::machine {

/// Whether `bytes` are UTF-8, as RFC 3629 has it.
bool is_text(std::string_view bytes);

/// Whether `bytes` are text that a terminal shows as it stands: without characters that control it,
/// end a line, or turn the direction of writing.
bool is_printable(std::string_view bytes);

/// Any bytes in printable form, as the shell, bash and POSIX 2024 read them back: $'a\nb\xff'.
std::string escaped(std::string_view bytes);

}  // namespace troupe::machine
