#include "udp_receiver.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cstring>

#include "quick_calls.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace emp {

namespace {

// So many calls in a row that find a datagram are a burst: an exchange of questions and answers has pauses.
constexpr int kRow = 8;

}  // namespace

UdpReceiver::UdpReceiver(int fd, bool gro, uint8_t* frames, const Buffers& buffers, size_t maxFrame,
                         const UdpTables& tables)
    : fd_(fd),
      gro_(gro),
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
  return bursts_ ? ReceiveBurst() : ReceiveAlone();
}

// recvmsg would cost 35 ns more when nothing is there, and twice that when something is.
int UdpReceiver::ReceiveAlone() {
  socklen_t addressLength = sizeof(UdpAddress);
  const ssize_t length =
      ReceiveFrom(fd_, vectors_[0].iov_base, buffers_.size, MSG_DONTWAIT | MSG_TRUNC, &sources_[0].any, &addressLength);
  if (length < 0) {
    row_ = 0;
    return 0;
  }
  if (++row_ == kRow) ChangeOver();
  return Add(0, 0, static_cast<size_t>(length), 0);
}

void UdpReceiver::ChangeOver() {
  bursts_ = true;
  const int on = 1;
  if (gro_) setsockopt(fd_, SOL_UDP, UDP_GRO, &on, sizeof on);
}

int UdpReceiver::ReceiveBurst() {
  if (next_ == got_) Fetch();
  int entries = 0;
  while (next_ < got_ && entries < static_cast<int>(UdpTables::kRxBurst)) entries = Split(next_, entries);
  tables_.status[UdpTables::kMore] = next_ < got_ ? 1 : 0;
  return entries;
}

// One datagram comes cheaper by recvmsg than by recvmmsg, which always looks for a second. So: one at first, more when that
// one was not the last.
void UdpReceiver::Fetch() {
  next_ = 0;
  if (wanted_ == 1) {
    const ssize_t length = recvmsg(fd_, &messages_[0].msg_hdr, MSG_DONTWAIT);
    messages_[0].msg_len = static_cast<unsigned>(length);
    got_ = length >= 0 ? 1 : 0;
  } else {
    got_ = std::max(recvmmsg(fd_, messages_.data(), wanted_, MSG_DONTWAIT, nullptr), 0);
  }
  wanted_ = got_ < wanted_ ? 1 : std::min(wanted_ * 4, static_cast<int>(buffers_.count));
  if (got_ > 0) Open(0);
}

// The kernel writes over the lengths.
void UdpReceiver::Rearm(size_t datagram) {
  msghdr& message = messages_[datagram].msg_hdr;
  message.msg_namelen = sizeof(UdpAddress);
  message.msg_controllen = sizeof(Control);
}

// Reads what the kernel says of a datagram. One that was cut counts as empty: invalid.
void UdpReceiver::Open(size_t datagram) {
  mmsghdr& message = messages_[datagram];
  if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) message.msg_len = 0;
  const size_t segment = ReadControl(message.msg_hdr);
  segment_ = segment == 0 ? message.msg_len : segment;
  at_ = 0;
  Rearm(datagram);
}

// Adds entries of one datagram behind the first `entries`, as many as there is room for; returns how many there are now.
int UdpReceiver::Split(size_t datagram, int entries) {
  const size_t length = messages_[datagram].msg_len;
  do {
    const size_t size = std::min(segment_, length - at_);
    entries = Add(datagram, at_, size, entries);
    at_ += size;
  } while (at_ < length && entries < static_cast<int>(UdpTables::kRxBurst));
  if (at_ == length && ++next_ < got_) Open(next_);
  return entries;
}

int UdpReceiver::Add(size_t datagram, size_t at, size_t length, int entries) {
  if (length == 0 || length > maxFrame_) {
    tables_.status[UdpTables::kInvalid]++;
    return entries;
  }
  tables_.rxFrame[entries] = static_cast<int32_t>(buffers_.offset + datagram * buffers_.size + at);
  tables_.rxLength[entries] = static_cast<int32_t>(length);
  tables_.rxDatagram[entries] = static_cast<int32_t>(datagram);
  return entries + 1;
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
