#include "storage/lmdb/lmdb_check.hpp"

#include "storage/directory.hpp"
#include "storage/lmdb/lmdb_pages.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

namespace troupe::storage {

namespace {

/// What the child tells, in memory that both see: there also if the child does not live to the end.
struct Report {
  bool complete = false;
  bool sound = false;
  StoreError::Kind kind = StoreError::Kind::io;
  char text[1024] = {};
  Progress progress{};
};

struct Unmap {
  void operator()(Report* report) const { ::munmap(report, sizeof(Report)); }
};
using SharedReport = std::unique_ptr<Report, Unmap>;

SharedReport share_report() {
  void* memory =
      ::mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return SharedReport(memory == MAP_FAILED ? nullptr : new (memory) Report);
}

/// What is wrong in the tables, or nothing.
Problem check_tables(MDB_txn* transaction, const std::string& file, std::uint64_t acknowledged,
                     Progress& progress) {
  Reader reader(transaction, file, &progress);
  if (reader.is_empty() && acknowledged == 0)
    return std::nullopt;  // Nobody got further than to create it.
  Catalog catalog;
  if (auto problem = reader.read_catalog(acknowledged, catalog))
    return problem;
  for (const auto& [id, peer] : catalog.peers) {
    if (auto problem = reader.read_log(peer, nullptr))
      return problem;
  }
  return std::nullopt;
}

/// What is wrong anywhere, or nothing.
Problem check(const std::string& directory, const CheckOptions& options, Progress& progress) {
  const std::string file = data_file(directory);
  auto opened =
      open_environment(directory, {.access = options.access, .tables_max = options.tables_max});
  if (auto* error = std::get_if<StoreError>(&opened))
    return *error;
  Transaction transaction;
  if (const int code = begin_read(std::get<Environment>(opened).get(), transaction))
    return lmdb_error(file, {}, code);
  PageCheck pages;
  if (options.access == Access::read_locked) {
    MDB_stat stat{};
    mdb_env_stat(std::get<Environment>(opened).get(), &stat);
    pages = check_pages(file, stat.ms_psize, mdb_txn_id(transaction.get()));
    if (pages.cut_short)
      return pages.problem;
  }
  // Second, but first to be told: it knows the names of what is damaged.
  if (auto problem = check_tables(transaction.get(), file, options.acknowledged, progress))
    return problem;
  return pages.problem;
}

/// To die of a damaged page is expected here: quietly, without a core and nobody's handlers.
void prepare_to_die() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE})
    ::signal(number, SIG_DFL);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null >= 0)
    ::dup2(null, STDERR_FILENO);  // LMDB says there which assertion failed.
}

[[noreturn]] void run_child(const std::string& directory, const CheckOptions& options,
                            Report& report) {
  prepare_to_die();
  const Problem problem = check(directory, options, report.progress);
  if (problem) {
    report.kind = problem->kind;
    const std::size_t size = std::min(problem->text.size(), sizeof(report.text) - 1);
    std::memcpy(report.text, problem->text.data(), size);
  }
  report.sound = !problem;
  report.complete = true;
  ::_exit(0);
}

Problem problem_of(const Report& report, const std::string& directory, int status) {
  if (report.complete && report.sound)
    return std::nullopt;
  if (report.complete)
    return StoreError{report.kind, report.text};
  Place place{.table = report.progress.table};
  if (report.progress.index > 0)
    place.index = report.progress.index;
  const std::string how =
      WIFSIGNALED(status) ? " (signal " + std::to_string(WTERMSIG(status)) + ")" : "";
  return corrupt(describe(data_file(directory), place,
                          "so damaged that it killed the process that read it" + how));
}

}  // namespace

Problem check_in_child(const std::string& directory, const CheckOptions& options) {
  const SharedReport report = share_report();
  if (!report)
    return system_error(directory, "check", errno);
  const pid_t child = ::fork();
  if (child < 0)
    return system_error(directory, "check", errno);
  if (child == 0)
    run_child(directory, options, *report);
  int status = 0;
  // A process that ignores the death of its children has no status to wait for, only the end.
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return problem_of(*report, directory, status);
}

}  // namespace troupe::storage
