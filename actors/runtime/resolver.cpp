#include "actors/runtime/resolver.hpp"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace troupe::actors {

namespace {

using Clock = Resolver::Clock;

constexpr std::chrono::milliseconds wait_slice{50};

/// How long an answer that nobody waited for is kept.
constexpr std::chrono::seconds late_answer_kept{5};

/// A name that is being looked up, or was just now.
struct Look {
  std::optional<Resolution> answer{};
  Clock::time_point answered_at{};
  unsigned waiting = 0;
};
using Looks = std::map<std::string, std::shared_ptr<Look>>;

void drop_old_answers(Looks& looks) {
  const auto now = Clock::now();
  std::erase_if(looks, [&](const auto& each) {
    return each.second->answer && now - each.second->answered_at > late_answer_kept;
  });
}

Resolution ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (code != 0)
    return code == EAI_SYSTEM ? std::generic_category().message(errno)
                              : std::string(::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::vector<IpAddress> addresses;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    IpAddress address;
    if (each->ai_addrlen > sizeof(address.where))
      continue;
    std::memcpy(&address.where, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
    addresses.push_back(address);
  }
  if (addresses.empty())
    return std::string("the name has no address");
  return addresses;
}

}  // namespace

struct Resolver::State {
  explicit State(LookUp asked) : look_up(std::move(asked)) {}

  const LookUp look_up;
  std::mutex mutex{};
  std::condition_variable answered{};
  Looks looks{};  ///< At most `looks_max`.

  /// Of a name that is not being looked up. Requires the mutex, and that `self` is this.
  std::variant<std::shared_ptr<Look>, std::string> start(const std::shared_ptr<State>& self,
                                                         const std::string& host) {
    if (looks.size() >= looks_max)
      return std::string("too many names are being looked up");
    auto look = std::make_shared<Look>();
    try {
      std::thread([self, look, host] { self->run(*look, host); }).detach();
    } catch (const std::system_error& no_thread) {
      return "cannot be looked up: " + no_thread.code().message();
    }
    looks.emplace(host, look);
    return look;
  }

  void run(Look& look, const std::string& host) {
    Resolution answer = look_up(host);
    const std::lock_guard lock(mutex);
    look.answer = std::move(answer);
    look.answered_at = Clock::now();
    if (look.waiting > 0)
      looks.erase(host);
    answered.notify_all();
  }
};

Resolver::Resolver(LookUp look_up) : state_(std::make_shared<State>(std::move(look_up))) {}

Resolver& Resolver::of_system() {
  // Threads may still wait for the system's answer when static objects are destroyed.
  static auto* const resolver = new Resolver(ask_system);
  return *resolver;
}

Resolution Resolver::resolve(const std::string& host, Clock::time_point deadline,
                             const std::atomic<bool>& cancelled) const {
  if (const auto numbers = parse_ip(host))
    return std::vector{*numbers};
  std::unique_lock lock(state_->mutex);
  drop_old_answers(state_->looks);
  std::shared_ptr<Look> look;
  if (const auto found = state_->looks.find(host); found != state_->looks.end()) {
    look = found->second;
    if (look->answer)
      state_->looks.erase(found);
  } else {
    auto started = state_->start(state_, host);
    if (auto* error = std::get_if<std::string>(&started))
      return std::move(*error);
    look = std::get<std::shared_ptr<Look>>(std::move(started));
  }
  ++look->waiting;
  while (!look->answer && !cancelled && Clock::now() < deadline)
    state_->answered.wait_until(lock, std::min(deadline, Clock::now() + wait_slice));
  --look->waiting;
  if (look->answer)
    return *look->answer;
  return cancelled ? std::string("cancelled") : "looking up " + host + " takes too long";
}

}  // namespace troupe::actors
