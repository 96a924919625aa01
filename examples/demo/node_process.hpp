#pragma once

#include <sys/types.h>

#include <string>

namespace demo {

/// One `troupe node` in a process of its own. Dies with us, however we end.
class NodeProcess {
public:
  /// Starts `program node` with the options. What it prints goes to `directory`/node.log.
  NodeProcess(std::string program, std::string name, std::string address, std::string directory);
  ~NodeProcess();
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  void start();
  /// SIGKILL: no farewell, as a power cut for the process.
  void kill();
  /// SIGTERM, then waits until it is gone. False if it did not leave within five seconds.
  bool stop();
  bool running();

  const std::string& name() const { return name_; }
  const std::string& address() const { return address_; }

private:
  std::string program_;
  std::string name_;
  std::string address_;
  std::string directory_;
  pid_t pid_ = -1;
};

/// An address on loopback that nobody listens on.
std::string free_address();

}  // namespace demo
