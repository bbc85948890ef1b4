// Receives datagrams, in one of two ways. Alone: one by one, by the cheapest call, which tells neither segments nor drops; that is
// how it begins. In bursts: by recvmmsg, and datagrams that the kernel joined from segments (UDP_GRO) become one entry for each
// segment. It changes over, for good, when datagrams come faster than they are taken. What does not fit into the tables waits in the
// buffers for the next call.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "udp_tables.h"

namespace emp {

class UdpReceiver {
 public:
  struct Buffers {
    size_t offset;  // of the first, in the frames' memory
    size_t size;
    size_t count;
  };

  // `maxFrame`: what is longer is not ours to take.
  UdpReceiver(int fd, bool gro, uint8_t* frames, const Buffers& buffers, size_t maxFrame, const UdpTables& tables);

  // Fills the receive tables; returns the number of entries. They are good until the next call.
  int Receive();

  // The sender of a datagram of the last burst; null: there is no such buffer.
  const UdpAddress* Source(size_t datagram) const { return datagram < sources_.size() ? &sources_[datagram] : nullptr; }

 private:
  struct Control {
    // Two cmsgs of four bytes: the segment size, and the count of drops.
    alignas(cmsghdr) uint8_t bytes[2 * CMSG_SPACE(sizeof(int))];
  };

  int ReceiveAlone();
  void ChangeOver();
  int ReceiveBurst();
  void Fetch();
  void Rearm(size_t datagram);
  void Open(size_t datagram);
  int Split(size_t datagram, int entries);
  int Add(size_t datagram, size_t at, size_t length, int entries);
  size_t ReadControl(msghdr& message);

  const int fd_;
  const bool gro_;
  const Buffers buffers_;
  const size_t maxFrame_;
  const UdpTables tables_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> vectors_;
  std::vector<Control> controls_;
  std::vector<UdpAddress> sources_;
  bool bursts_ = false;
  int row_ = 0;  // datagrams received alone, one call after the other
  int wanted_ = 1;
  // Datagrams in the buffers: [next_, got_) are still to be handed out, the first of them from byte at_ on.
  int next_ = 0;
  int got_ = 0;
  size_t at_ = 0;
  size_t segment_ = 0;  // of that one
  uint32_t dropsSeen_ = 0;
};

}  // namespace emp
