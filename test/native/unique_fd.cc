#include "unique_fd.h"

#include <fcntl.h>

#include "check.h"

using emp::UniqueFd;

static int Open() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
static bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

TEST("UniqueFd closes what it owns") {
  int fd = Open();
  { UniqueFd owner(fd); }
  CHECK(!IsOpen(fd));
}

TEST("an empty UniqueFd is false and closes nothing") {
  UniqueFd none;
  CHECK(!none);
  CHECK(none.get() == -1);
}

TEST("a moved UniqueFd owns nothing; its new owner does") {
  int fd = Open();
  UniqueFd first(fd);
  UniqueFd second(std::move(first));
  CHECK(!first);
  CHECK(second.get() == fd);
  CHECK(IsOpen(fd));
}

TEST("assigning a UniqueFd closes what was there") {
  UniqueFd owner(Open());
  int old = owner.get();
  UniqueFd other(Open());
  int fresh = other.get();
  owner = std::move(other);
  CHECK(!IsOpen(old));
  CHECK(owner.get() == fresh);
}

TEST("assigning a UniqueFd to itself keeps it open") {
  UniqueFd owner(Open());
  UniqueFd& same = owner;
  owner = std::move(same);
  CHECK(IsOpen(owner.get()));
}
