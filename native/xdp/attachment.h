// EMP's XDP program on an interface, shared by all queues of all processes that use it.
//
// A BPF link holds the program, and nothing but open descriptors holds the link: it is never pinned. So the kernel takes the program
// off the interface when the last process that uses it is gone, however it went. A process that comes second finds the link, keeps a
// descriptor of its own to it, and puts its socket into the same map.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "syscall_error.h"
#include "unique_fd.h"

namespace emp {

// Namespace (its inode) and interface index: an index alone says nothing, each namespace counts for itself.
using InterfaceId = std::pair<ino_t, uint32_t>;

struct ProgramSource {
  const void* object;
  size_t length;
  uint16_t ether_type;  // as in the frame: network byte order
  bool generic;
};

// A failure that needs more words than an errno: libbpf's messages, or whose program is in the way.
class AttachError : public SyscallError {
 public:
  AttachError(std::string step, int error, std::string detail)
      : SyscallError(std::move(step), error), detail_(std::move(detail)) {}
  const std::string& detail() const { return detail_; }

 private:
  std::string detail_;
};

class Attachment {
 public:
  // The attachment of this interface: this process's, another's, or a new one. To be called inside its namespace.
  static std::shared_ptr<Attachment> Acquire(const InterfaceId& interface, const ProgramSource& source);

  // Whether a socket of this process has the queue: then waiting for it is in vain. To be called anywhere.
  static bool InUse(const InterfaceId& interface, uint32_t queue);

  void Insert(uint32_t queue, int socket);
  // The kernel takes a closed socket out of the map by itself; this is for InUse.
  void Forget(uint32_t queue);
  // Whether another process had attached the program.
  bool joined() const { return joined_; }

 private:
  static void Prune();
  static std::shared_ptr<Attachment> Create(uint32_t interface_index, const ProgramSource& source);
  static std::shared_ptr<Attachment> Join(uint32_t interface_index, const ProgramSource& source);

  UniqueFd link_;
  UniqueFd sockets_;
  uint16_t ether_type_ = 0;
  bool generic_ = false;
  bool joined_ = false;
  std::set<uint32_t> queues_;

  bool Alive(uint32_t interface_index) const;
  void Accept(const ProgramSource& source) const;
};

}  // namespace emp
