#include "shell/node_process.hpp"

#include "storage/descriptors.hpp"
#include "storage/directory.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <utility>

namespace troupe::shell {
namespace {

constexpr auto stop_timeout = std::chrono::seconds(5);
constexpr auto poll_interval = std::chrono::milliseconds(2);

}  // namespace

NodeProcess::NodeProcess(std::vector<std::string> command, std::string name, std::string address,
                         std::string directory)
    : command_(std::move(command)),
      name_(std::move(name)),
      address_(std::move(address)),
      directory_(std::move(directory)) {}

NodeProcess::~NodeProcess() {
  kill();
}

void NodeProcess::start() {
  if (const auto error = storage::create_private_directories(directory_))
    throw std::runtime_error(error->text);
  const std::string log = directory_ + "/node.log";
  // Before the fork: a child of a process with threads may not allocate.
  std::vector<std::string> words = command_;
  words.insert(words.end(), {"--name", name_, "--listen", address_, "--data", directory_});
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0)
    throw std::runtime_error("cannot start a process");
  if (pid_ > 0)
    return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(1);     // The parent went before the line above could hold.
  setpgid(0, 0);  // Ctrl-C is for our parent, which then stops its nodes.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Neither 1 nor 2, which we may lack: as one of these it would be closed by the exec below.
  const int fd = storage::above_standard_descriptors(
      open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  execv(arguments.front(), arguments.data());
  _exit(127);
}

void NodeProcess::kill() {
  if (pid_ <= 0)
    return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool NodeProcess::stop() {
  if (!running())
    return true;
  ::kill(pid_, SIGTERM);
  for (const auto end = std::chrono::steady_clock::now() + stop_timeout;
       std::chrono::steady_clock::now() < end;) {
    if (!running())
      return true;
    std::this_thread::sleep_for(poll_interval);
  }
  return false;
}

bool NodeProcess::running() {
  if (pid_ <= 0)
    return false;
  if (waitpid(pid_, nullptr, WNOHANG) == 0)
    return true;
  pid_ = -1;
  return false;
}

std::string free_address() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0
                     && getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  if (!bound)
    throw std::runtime_error("no free port on loopback");
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

}  // namespace troupe::shell
