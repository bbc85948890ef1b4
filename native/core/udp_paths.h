// The open UDP sockets of an environment (the process, or a worker thread) by their descriptors, for the two functions of the hot path: those are the addon's,
// not of each socket (hot_function.h says why).
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "udp_receiver.h"
#include "udp_sender.h"

namespace emp {

struct UdpPath {
  UdpSender sender;
  UdpReceiver receiver;
};

class UdpPaths {
 public:
  // Adds `udpSend` and `udpReceive` to the exports. Sockets of the same environment get at the table by `Of`, and share it: it outlives them all.
  static void Define(Napi::Env env, Napi::Object exports);
  static std::shared_ptr<UdpPaths> Of(Napi::Env env);

  void Set(int fd, UdpPath* path);
  void Remove(int fd) { Set(fd, nullptr); }
  // Null for a descriptor that is not open, or is something else.
  UdpPath* Find(int32_t fd) const;

 private:
  std::vector<UdpPath*> paths_;
};

}  // namespace emp
