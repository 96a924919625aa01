// Preloaded into a program: a resolver as one meets them. What it answers stands in the name.
//
//   all.test   0.0.0.0
//   dead.test  nothing, for longer than any test waits

#include <dlfcn.h>

#include <netdb.h>
#include <poll.h>

#include <cstring>

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  constexpr int silence_ms = 120'000;
  const bool numbers_only = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (node != nullptr && !numbers_only && std::strcmp(node, "dead.test") == 0)
    ::poll(nullptr, 0, silence_ms);
  if (node != nullptr && !numbers_only && std::strcmp(node, "all.test") == 0)
    node = "0.0.0.0";
  return real(node, service, hints, result);
}
