// What the UDP driver's two halves share with each other and with JavaScript.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

namespace emp {

union UdpAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

// Tables of 32-bit words, one after the other. src/nic/udp.ts lays out the same.
struct UdpTables {
  static constexpr size_t kStatusWords = 8;
  static constexpr size_t kTxRing = 1024;  // descriptors of three words: frame, length, peer
  static constexpr size_t kRxBurst = 64;   // entries of received frames
  static constexpr size_t kBytes = (kStatusWords + 3 * kTxRing + 3 * kRxBurst) * sizeof(int32_t);

  // Words of the status. Set by each send: system calls, frames lost to errors, the last of the errors. Set by each receive:
  // datagrams not of our making, frames lost, whether there are more for the next without a system call. Set once: the kernel
  // refused to segment.
  enum { kCalls, kLost, kError, kInvalid, kDropped, kGsoRefused, kMore };

  explicit UdpTables(uint8_t* base)
      : status(reinterpret_cast<int32_t*>(base)),
        tx(status + kStatusWords),
        rxFrame(tx + 3 * kTxRing),
        rxLength(rxFrame + kRxBurst),
        rxDatagram(rxLength + kRxBurst) {}

  int32_t* status;
  int32_t* tx;
  int32_t* rxFrame;
  int32_t* rxLength;
  int32_t* rxDatagram;  // which datagram of the burst an entry was in: for its source
};

}  // namespace emp
