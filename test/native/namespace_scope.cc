#include "namespace_scope.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <thread>

#include "check.h"

using emp::NamespaceScope;
using emp::SyscallError;
using emp::UniqueFd;

// The inode of a thread's network namespace is its identity.
static ino_t Here() {
  struct stat status;
  return stat("/proc/thread-self/ns/net", &status) == 0 ? status.st_ino : 0;
}

// A named namespace, made and removed the way `ip netns` does it.
class NamedNamespace {
 public:
  NamedNamespace() : name_("empnative" + std::to_string(getpid())), path_("/run/netns/" + name_) {
    mkdir("/run/netns", 0755);
    UniqueFd file(open(path_.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
    // In a thread of its own: only that thread changes its namespace.
    std::thread([this] {
      made_ =
          unshare(CLONE_NEWNET) == 0 && mount("/proc/thread-self/ns/net", path_.c_str(), "none", MS_BIND, nullptr) == 0;
    }).join();
    if (made_) return;
    unlink(path_.c_str());
    throw test::Skip("needs root");
  }
  NamedNamespace(const NamedNamespace&) = delete;
  NamedNamespace& operator=(const NamedNamespace&) = delete;
  ~NamedNamespace() {
    umount2(path_.c_str(), MNT_DETACH);
    unlink(path_.c_str());
  }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::string path_;
  bool made_ = false;
};

TEST("NamespaceScope enters a namespace and comes back") {
  NamedNamespace there;
  ino_t home = Here();
  {
    NamespaceScope scope(there.name());
    CHECK(Here() != home);
  }
  CHECK(Here() == home);
}

TEST("NamespaceScope comes back when an exception passes") {
  NamedNamespace there;
  ino_t home = Here();
  try {
    NamespaceScope scope(there.name());
    throw 1;
  } catch (int) {
  }
  CHECK(Here() == home);
}

TEST("NamespaceScope moves its own thread only") {
  NamedNamespace there;
  ino_t home = Here();
  ino_t moved = 0;
  std::thread([&] {
    NamespaceScope scope(there.name());
    moved = Here();
  }).join();
  CHECK(moved != 0);
  CHECK(moved != home);
  CHECK(Here() == home);
}

TEST("an empty name stays where it is") {
  ino_t home = Here();
  NamespaceScope scope("");
  CHECK(Here() == home);
}

TEST("an unknown namespace is an error, and nothing changed") {
  ino_t home = Here();
  CHECK_THROWS(NamespaceScope("emp-no-such-namespace"), SyscallError);
  CHECK(Here() == home);
}
