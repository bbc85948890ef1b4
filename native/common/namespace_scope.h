// Runs the rest of a scope in another network namespace. The kernel keeps a network namespace per thread, so other threads
// (libuv's pool, workers) are not touched; sockets opened inside stay in that namespace for life.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdlib>
#include <string>

#include "syscall_error.h"
#include "unique_fd.h"

namespace emp {

// Tells the thread's network namespace apart from all others there are.
inline ino_t CurrentNamespace() {
  struct stat status = {};
  if (stat("/proc/thread-self/ns/net", &status) != 0) throw SyscallError("stat namespace");
  return status.st_ino;
}

class NamespaceScope {
 public:
  // `name`: below /run/netns; empty: stay.
  explicit NamespaceScope(const std::string& name) {
    if (name.empty()) return;
    UniqueFd target(open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!target) throw SyscallError("open namespace");
    home_.reset(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!home_) throw SyscallError("open own namespace");
    if (setns(target.get(), CLONE_NEWNET) != 0) {
      SyscallError error("setns");
      home_.reset();
      throw error;
    }
  }
  NamespaceScope(const NamespaceScope&) = delete;
  NamespaceScope& operator=(const NamespaceScope&) = delete;
  ~NamespaceScope() {
    // A thread left in the wrong namespace would open every later socket there: better to die.
    if (home_ && setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
  }

 private:
  UniqueFd home_;
};

}  // namespace emp
