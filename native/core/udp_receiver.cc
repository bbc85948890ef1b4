#include "udp_receiver.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cstring>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace emp {

UdpReceiver::UdpReceiver(int fd, uint8_t* frames, const Buffers& buffers, size_t maxFrame, const UdpTables& tables)
    : fd_(fd),
      buffers_(buffers),
      maxFrame_(maxFrame),
      tables_(tables),
      messages_(buffers.count),
      vectors_(buffers.count),
      controls_(buffers.count),
      sources_(buffers.count) {
  for (size_t i = 0; i < buffers.count; i++) {
    vectors_[i] = {frames + buffers.offset + i * buffers.size, buffers.size};
    msghdr& message = messages_[i].msg_hdr;
    message.msg_name = &sources_[i];
    message.msg_iov = &vectors_[i];
    message.msg_iovlen = 1;
    message.msg_control = &controls_[i];
    Rearm(i);
  }
}

int UdpReceiver::Receive() {
  tables_.status[UdpTables::kInvalid] = 0;
  tables_.status[UdpTables::kDropped] = 0;
  const int datagrams = ReceiveMessages();
  int entries = 0;
  for (int i = 0; i < datagrams; i++) {
    entries = Split(i, entries);
    Rearm(i);
  }
  return entries;
}

// One datagram alone comes cheaper by recvmsg than by recvmmsg, which always looks for a second. So: one at first, more when
// that one was not the last.
int UdpReceiver::ReceiveMessages() {
  int got;
  if (wanted_ == 1) {
    const ssize_t length = recvmsg(fd_, &messages_[0].msg_hdr, MSG_DONTWAIT);
    messages_[0].msg_len = static_cast<unsigned>(length);
    got = length >= 0 ? 1 : 0;
  } else {
    got = std::max(recvmmsg(fd_, messages_.data(), wanted_, MSG_DONTWAIT, nullptr), 0);
  }
  wanted_ = got < wanted_ ? 1 : std::min(wanted_ * 4, static_cast<int>(buffers_.count));
  return got;
}

// The kernel writes over the lengths.
void UdpReceiver::Rearm(size_t datagram) {
  msghdr& message = messages_[datagram].msg_hdr;
  message.msg_namelen = sizeof(UdpAddress);
  message.msg_controllen = sizeof(Control);
}

// Adds the entries of one datagram behind the first `entries`; returns how many there are now.
int UdpReceiver::Split(size_t datagram, int entries) {
  msghdr& message = messages_[datagram].msg_hdr;
  const size_t length = messages_[datagram].msg_len;
  const size_t control = ReadControl(message);
  const size_t segment = control != 0 ? control : length;
  if (length == 0 || segment > maxFrame_ || (message.msg_flags & MSG_TRUNC) != 0) {
    tables_.status[UdpTables::kInvalid]++;
    return entries;
  }
  const size_t base = buffers_.offset + datagram * buffers_.size;
  for (size_t at = 0; at < length; at += segment) {
    if (entries == static_cast<int>(UdpTables::kRxBurst)) {
      tables_.status[UdpTables::kDropped]++;
      continue;
    }
    tables_.rxFrame[entries] = static_cast<int32_t>(base + at);
    tables_.rxLength[entries] = static_cast<int32_t>(std::min(segment, length - at));
    tables_.rxDatagram[entries] = static_cast<int32_t>(datagram);
    entries++;
  }
  return entries;
}

// Counts drops; returns the segment size, 0 if the datagram came alone.
size_t UdpReceiver::ReadControl(msghdr& message) {
  size_t segment = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    uint32_t value;
    std::memcpy(&value, CMSG_DATA(header), sizeof value);
    if (header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO) segment = value;
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SO_RXQ_OVFL) {
      // The kernel's count runs from the opening of the socket, and wraps.
      tables_.status[UdpTables::kDropped] += static_cast<int32_t>(value - dropsSeen_);
      dropsSeen_ = value;
    }
  }
  return segment;
}

}  // namespace emp
