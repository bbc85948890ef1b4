// Sends bursts of frames: one system call each, and one message for consecutive frames of one peer and one length
// (UDP_SEGMENT), which the kernel carries through its stack as one packet.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "udp_tables.h"

namespace emp {

class UdpSender {
 public:
  UdpSender(int fd, socklen_t addressLength, bool gso, uint8_t* frames, size_t bytes, const UdpTables& tables);

  // Numbers are given one after the other; false: others have to come before this one.
  bool SetPeer(size_t index, const UdpAddress& address);

  // Sends the first `count` descriptors; returns how many the kernel took (or lost: status words). Fewer: try again later. If one of them
  // is beyond the frames or the peers, all are lost.
  int Send(int count);

 private:
  // The control block that asks for segmentation: one cmsg with the segment size.
  struct Control {
    alignas(cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
    void Set(uint16_t segment);
  };

  bool AreSound(int count) const;
  int SendLone(const int32_t* descriptor);
  int SendBurst(int count);
  size_t BuildMessages(int count);
  void Begin(msghdr& message, int32_t peer, iovec* vector);
  void Join(size_t index, uint16_t segment);
  int Recover(const msghdr& message, int error);
  int SendApart(const msghdr& message);
  void Lose(int frames, int error);

  const int fd_;
  const socklen_t addressLength_;
  bool gso_;
  uint8_t* const frames_;
  const size_t bytes_;  // of the frames
  const UdpTables tables_;
  std::vector<UdpAddress> peers_;
  // Scratch of one burst: a message takes one or more vectors, and a control block if it is to be segmented.
  std::vector<mmsghdr> messages_;
  std::vector<iovec> vectors_;
  std::vector<Control> controls_;
};

}  // namespace emp
