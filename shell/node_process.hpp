#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace troupe::shell {

/// One node in a process of its own. Dies with us, however we end.
class NodeProcess {
public:
  /// `command` is the program and its first arguments: {"troupe", "node"}. Name, address and
  /// directory are added as `troupe node` wants them. What it prints goes to `directory`/node.log.
  NodeProcess(std::vector<std::string> command, std::string name, std::string address,
              std::string directory);
  ~NodeProcess();
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  void start();
  /// SIGKILL: no farewell, as a power cut for the process.
  void kill();
  /// SIGTERM, then waits until it is gone. False if it did not leave within five seconds.
  bool stop();
  bool running();
  /// Its process, or -1 if it was not started or did not run when it was last asked for.
  pid_t pid() const { return pid_; }

  const std::string& name() const { return name_; }
  const std::string& address() const { return address_; }

private:
  std::vector<std::string> command_;
  std::string name_;
  std::string address_;
  std::string directory_;
  pid_t pid_ = -1;
};

/// An address on loopback that nobody listens on.
std::string free_address();

}  // namespace troupe::shell
