// The flood over UDP.
// --mode batch (default): sendmmsg and recvmmsg; single: one send, one recv for each datagram; gso: a send of up to 64 segments that the
// kernel cuts into datagrams (UDP_SEGMENT), and receives of what it joined again (UDP_GRO).
#include "flood.h"
#include "udp.h"

#include <netinet/udp.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define BATCH 64u
#define MAX_SEGMENTS 64u
#define RECEIVE_BUFFER (8 << 20)

static enum { SINGLE, BATCHED, SEGMENTED } way;
static uint32_t segments;
static uint8_t* buffers;
static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];
static union {
  struct cmsghdr align;
  uint8_t bytes[CMSG_SPACE(sizeof(int))];
} control;

static const char* path_name(void) { return "udp"; }
static uint32_t path_least(void) { return SEQUENCE_BYTES; }
static uint32_t path_payload(void) { return opt.size; }

static void choose_way(void) {
  if (*opt.mode == 0) opt.mode = "batch";
  if (strcmp(opt.mode, "single") == 0)
    way = SINGLE;
  else if (strcmp(opt.mode, "batch") == 0)
    way = BATCHED;
  else if (strcmp(opt.mode, "gso") == 0)
    way = SEGMENTED;
  else
    usage("--mode is single, batch or gso");
}

static void set(int level, int option, int value, const char* name) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) die(name);
}

static int path_open(void) {
  choose_way();
  udp_open();
  segments = path_limit() / (opt.size == 0 ? 1 : opt.size);
  if (segments > MAX_SEGMENTS) segments = MAX_SEGMENTS;
  if (setsockopt(fd, SOL_SOCKET, opt.server ? SO_RCVBUFFORCE : SO_SNDBUFFORCE, &(int){RECEIVE_BUFFER}, sizeof(int)) !=
      0)
    set(SOL_SOCKET, opt.server ? SO_RCVBUF : SO_SNDBUF, RECEIVE_BUFFER, "SO_RCVBUF");
  if (way == SEGMENTED && opt.server) set(SOL_UDP, UDP_GRO, 1, "UDP_GRO");
  if (way == SEGMENTED && !opt.server) set(SOL_UDP, UDP_SEGMENT, (int)opt.size, "UDP_SEGMENT");
  buffers = calloc(BATCH, MAX_MESSAGE);
  if (buffers == NULL) die("memory for the messages");
  for (uint32_t i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = buffers + i * MAX_MESSAGE, .iov_len = opt.server ? MAX_MESSAGE : opt.size};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  return fd;
}

static void path_prepare(void) {}

static bool would_block(void) { return errno == EAGAIN || errno == ECONNREFUSED || errno == EINTR || errno == ENOBUFS; }

static uint32_t path_send_burst(uint32_t sequence) {
  if (way == BATCHED) {
    for (uint32_t i = 0; i < BATCH; i++, sequence++) memcpy(vectors[i].iov_base, &sequence, SEQUENCE_BYTES);
    int sent = sendmmsg(fd, messages, BATCH, 0);
    if (sent < 0 && !would_block()) die("sendmmsg");
    return sent < 0 ? 0 : (uint32_t)sent;
  }
  uint32_t count = way == SEGMENTED ? segments : 1;
  for (uint32_t i = 0; i < count; i++, sequence++) memcpy(buffers + i * opt.size, &sequence, SEQUENCE_BYTES);
  if (send(fd, buffers, (size_t)count * opt.size, 0) >= 0) return count;
  if (!would_block()) die("send");
  return 0;
}

static uint32_t receive_batch(void) {
  int count = recvmmsg(fd, messages, BATCH, 0, NULL);
  if (count < 0) {
    if (!would_block()) die("recvmmsg");
    return 0;
  }
  for (int i = 0; i < count; i++) arrived(vectors[i].iov_base);
  return (uint32_t)count;
}

// How long the datagrams are that the kernel joined to one of `length` bytes.
static uint32_t segment_size(struct msghdr* message, uint32_t length) {
  for (struct cmsghdr* c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO) continue;
    int size;
    memcpy(&size, CMSG_DATA(c), sizeof size);
    return (uint32_t)size;
  }
  return length;
}

static uint32_t receive_joined(void) {
  struct msghdr message = {
      .msg_iov = vectors, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length = recvmsg(fd, &message, 0);
  if (length <= 0) {
    if (length < 0 && !would_block()) die("recvmsg");
    return 0;
  }
  uint32_t size = segment_size(&message, (uint32_t)length);
  uint32_t count = 0;
  for (uint32_t at = 0; at < (uint32_t)length; at += size, count++) arrived(buffers + at);
  return count;
}

static uint32_t path_receive_burst(void) {
  if (way == BATCHED) return receive_batch();
  if (way == SEGMENTED) return receive_joined();
  if (recv(fd, buffers, MAX_MESSAGE, 0) < 0) {
    if (!would_block()) die("recv");
    return 0;
  }
  arrived(buffers);
  return 1;
}
