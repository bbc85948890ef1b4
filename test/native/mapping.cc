#include "mapping.h"

#include "check.h"

using emp::Mapping;
using emp::SyscallError;

static Mapping Anonymous(size_t length) {
  return Mapping::Map(length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, "map");
}

// msync fails on memory that is not mapped.
static bool IsMapped(void* base) { return msync(base, 1, MS_ASYNC) == 0; }

TEST("a Mapping can be written and read, and is unmapped at its end") {
  void* base = nullptr;
  {
    Mapping mapping = Anonymous(8192);
    base = mapping.base();
    mapping.base()[8191] = 42;
    CHECK(mapping.length() == 8192);
    CHECK(mapping.base()[8191] == 42);
  }
  CHECK(!IsMapped(base));
}

TEST("a Mapping that fails names the step and the error") {
  try {
    Mapping::Map(4096, PROT_READ, MAP_PRIVATE, -1, 0, "map rings");
    CHECK(false);
  } catch (const SyscallError& error) {
    CHECK(error.error() == EBADF);
    CHECK(std::string(error.what()).find("map rings: ") == 0);
  }
}

TEST("assigning a Mapping unmaps what was there") {
  Mapping mapping = Anonymous(4096);
  Mapping other = Anonymous(4096);
  void* old = mapping.base();
  uint8_t* kept = other.base();
  mapping = std::move(other);
  CHECK(!IsMapped(old));
  CHECK(mapping.base() == kept);
  CHECK(other.base() == nullptr);
}

TEST("Unmap may be called twice") {
  Mapping mapping = Anonymous(4096);
  mapping.Unmap();
  mapping.Unmap();
  CHECK(mapping.base() == nullptr);
  CHECK(mapping.length() == 0);
}
