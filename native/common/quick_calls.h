// System calls of the hot path, straight into the kernel. Those of the C library prepare, in a process with threads, for the thread to
// be cancelled meanwhile: 2 % of a round trip of the packet driver.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace emp {

// As sendto(2).
inline ssize_t SendTo(int fd, const void* bytes, size_t length, int flags, const sockaddr* to, socklen_t to_length) {
  return syscall(SYS_sendto, fd, bytes, length, flags, to, to_length);
}

// As recvfrom(2).
inline ssize_t ReceiveFrom(int fd, void* bytes, size_t length, int flags, sockaddr* from, socklen_t* from_length) {
  return syscall(SYS_recvfrom, fd, bytes, length, flags, from, from_length);
}

// A packet or XDP socket works off its transmit ring.
inline ssize_t KickTransmit(int fd) { return SendTo(fd, nullptr, 0, MSG_DONTWAIT, nullptr, 0); }

// A busy-polling XDP socket, or one whose fill ring asks for it, is looked after.
inline ssize_t WakeReceive(int fd) { return ReceiveFrom(fd, nullptr, 0, MSG_DONTWAIT, nullptr, nullptr); }

}  // namespace emp
