#include "udp_sender.h"

#include <netinet/udp.h>

#include <cerrno>
#include <cstring>

#include "quick_calls.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace emp {

namespace {

// The oldest kernels with UDP_SEGMENT take this many segments; newer ones take more.
constexpr int kMaxSegments = 64;
// What fits into one UDP datagram over IPv4, and so into one segmented message.
constexpr size_t kMaxMessage = 65507;

bool MustWait(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

int Frames(const mmsghdr& message) { return static_cast<int>(message.msg_hdr.msg_iovlen); }

}  // namespace

void UdpSender::Control::Set(uint16_t segment) {
  auto* header = reinterpret_cast<cmsghdr*>(bytes);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN(sizeof segment);
  std::memcpy(CMSG_DATA(header), &segment, sizeof segment);
}

UdpSender::UdpSender(int fd, socklen_t addressLength, bool gso, uint8_t* frames, size_t bytes, const UdpTables& tables)
    : fd_(fd),
      addressLength_(addressLength),
      gso_(gso),
      frames_(frames),
      bytes_(bytes),
      tables_(tables),
      messages_(UdpTables::kTxRing),
      vectors_(UdpTables::kTxRing),
      controls_(UdpTables::kTxRing) {}

bool UdpSender::SetPeer(size_t index, const UdpAddress& address) {
  if (index > peers_.size()) return false;
  if (index == peers_.size()) peers_.emplace_back();
  peers_[index] = address;
  return true;
}

int UdpSender::Send(int count) {
  tables_.status[UdpTables::kCalls] = 0;
  tables_.status[UdpTables::kLost] = 0;
  if (count < 1 || count > static_cast<int>(UdpTables::kTxRing)) return 0;
  if (!AreSound(count)) {
    Lose(count, EFAULT);
    return count;
  }
  return count == 1 ? SendLone(tables_.tx) : SendBurst(count);
}

// The table is JavaScript's to write: whatever it says, nothing else of this process is sent.
bool UdpSender::AreSound(int count) const {
  for (const int32_t* descriptor = tables_.tx; count-- > 0; descriptor += 3) {
    const auto end = uint64_t{static_cast<uint32_t>(descriptor[0])} + static_cast<uint32_t>(descriptor[1]);
    if (end > bytes_ || static_cast<uint32_t>(descriptor[2]) >= peers_.size()) return false;
  }
  return true;
}

// The short way for a frame that is alone in its burst: no message header, no vector for the kernel to copy in.
int UdpSender::SendLone(const int32_t* descriptor) {
  tables_.status[UdpTables::kCalls]++;
  const UdpAddress& peer = peers_[descriptor[2]];
  if (SendTo(fd_, frames_ + descriptor[0], descriptor[1], MSG_DONTWAIT, &peer.any, addressLength_) >= 0) return 1;
  if (MustWait(errno)) return 0;
  Lose(1, errno);
  return 1;
}

int UdpSender::SendBurst(int count) {
  const size_t messages = BuildMessages(count);
  int done = 0;
  for (size_t sent = 0; sent < messages;) {
    tables_.status[UdpTables::kCalls]++;
    const int result = sendmmsg(fd_, &messages_[sent], static_cast<unsigned>(messages - sent), MSG_DONTWAIT);
    if (result > 0) {
      for (int i = 0; i < result; i++) done += Frames(messages_[sent++]);
      continue;
    }
    // The error is that of the first message: the ones before it were reported as sent.
    if (MustWait(errno)) break;
    const int handled = Recover(messages_[sent].msg_hdr, errno);
    done += handled;
    if (handled < Frames(messages_[sent])) break;
    sent++;
  }
  return done;
}

// Puts the first `count` descriptors into messages; returns how many messages.
size_t UdpSender::BuildMessages(int count) {
  size_t used = 0;
  size_t segment = 0;
  size_t bytes = 0;   // of the message that is being built
  bool open = false;  // it can take another segment
  for (int i = 0; i < count; i++) {
    const int32_t* descriptor = tables_.tx + 3 * i;
    const auto length = static_cast<size_t>(descriptor[1]);
    vectors_[i] = {frames_ + descriptor[0], length};
    // One without bytes would be no segment: it would vanish.
    if (open && length != 0 && length <= segment && descriptor[2] == descriptor[-1] && bytes + length <= kMaxMessage &&
        Frames(messages_[used - 1]) < kMaxSegments) {
      Join(used - 1, static_cast<uint16_t>(segment));
      bytes += length;
      open = length == segment;  // a shorter one is the last of its message
      continue;
    }
    Begin(messages_[used++].msg_hdr, descriptor[2], &vectors_[i]);
    segment = bytes = length;
    open = gso_;
  }
  return used;
}

void UdpSender::Begin(msghdr& message, int32_t peer, iovec* vector) {
  message.msg_name = &peers_[peer];
  message.msg_namelen = addressLength_;
  message.msg_iov = vector;
  message.msg_iovlen = 1;
  message.msg_control = nullptr;
  message.msg_controllen = 0;
}

void UdpSender::Join(size_t index, uint16_t segment) {
  msghdr& message = messages_[index].msg_hdr;
  message.msg_iovlen++;
  if (message.msg_control != nullptr) return;
  controls_[index].Set(segment);
  message.msg_control = &controls_[index];
  message.msg_controllen = sizeof(Control);
}

// After an error other than back-pressure: the frames of the message are lost, unless it was the segmentation that failed.
// Returns how many frames are dealt with.
int UdpSender::Recover(const msghdr& message, int error) {
  const int frames = static_cast<int>(message.msg_iovlen);
  const bool maybeSegmentation = error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP;
  if (frames > 1 && maybeSegmentation) return SendApart(message);
  Lose(frames, error);
  return frames;
}

int UdpSender::SendApart(const msghdr& message) {
  for (size_t i = 0; i < message.msg_iovlen; i++) {
    const iovec& frame = message.msg_iov[i];
    tables_.status[UdpTables::kCalls]++;
    if (SendTo(fd_, frame.iov_base, frame.iov_len, MSG_DONTWAIT, static_cast<sockaddr*>(message.msg_name),
               message.msg_namelen) >= 0) {
      if (i > 0) continue;  // the last may be short enough to pass where the others were too long
      gso_ = false;         // alone it passes: the kernel, or the device, does not segment
      tables_.status[UdpTables::kGsoRefused] = 1;
    } else if (MustWait(errno)) {
      return static_cast<int>(i);
    } else {
      Lose(1, errno);
    }
  }
  return static_cast<int>(message.msg_iovlen);
}

void UdpSender::Lose(int frames, int error) {
  tables_.status[UdpTables::kLost] += frames;
  tables_.status[UdpTables::kError] = error;
}

}  // namespace emp
