// The floor of the packet driver: AF_PACKET, own frames not looped back, queueing discipline bypassed.
// --mode ring: received frames are read from a TPACKET_V2 ring mapped into the process (no call to receive);
// --mode recv: non-blocking recv. Both send with one send() per frame.
#include "ethernet.h"
#include "pingpong.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <sys/mman.h>

#define FRAME_SIZE 2048u
#define FRAMES 64u
#define BLOCK_SIZE 4096u

static int fd;
static bool use_ring;
static uint32_t frame_size = FRAME_SIZE;
static uint8_t* ring;
static uint32_t next;
static uint8_t incoming[MAX_MESSAGE];
static uint8_t outgoing[MAX_MESSAGE];

static const char* path_name(void) { return "packet"; }

static void set(int option, int value, const char* name) {
  if (setsockopt(fd, SOL_PACKET, option, &value, sizeof value) != 0) die(name);
}

static void map_ring(void) {
  while (frame_size < interface_mtu + HEADER + TPACKET2_HDRLEN + 64) frame_size *= 2;
  uint32_t block = frame_size > BLOCK_SIZE ? frame_size : BLOCK_SIZE;
  struct tpacket_req request = {.tp_block_size = block,
                                .tp_block_nr = FRAMES * frame_size / block,
                                .tp_frame_size = frame_size,
                                .tp_frame_nr = FRAMES};
  set(PACKET_VERSION, TPACKET_V2, "PACKET_VERSION");
  if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0) die("PACKET_RX_RING");
  ring = mmap(NULL, FRAMES * frame_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (ring == MAP_FAILED) die("mmap");
}

static int path_open(void) {
  ethernet_open();
  if (strcmp(opt.mode, "recv") == 0) {
    use_ring = false;
  } else if (*opt.mode == 0 || strcmp(opt.mode, "ring") == 0) {
    use_ring = true;
    opt.mode = "ring";
  } else {
    usage("--mode is ring or recv");
  }
  fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  set(PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS");
  set(PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
  if (use_ring) map_ring();
  struct sockaddr_ll local = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETHER_TYPE), .sll_ifindex = (int)if_nametoindex(opt.interface)};
  if (bind(fd, (struct sockaddr*)&local, sizeof local) != 0) die("bind");
  memcpy(outgoing, ethernet_header, HEADER);
  return fd;
}

static uint32_t path_limit(void) { return interface_mtu; }
static uint8_t* path_message(void) { return outgoing + HEADER; }

static void transmit(const uint8_t* frame, uint32_t length) {
  if (send(fd, frame, length, 0) < 0 && errno != EAGAIN && errno != ENOBUFS) die("send");
}
static void path_send(uint32_t length) { transmit(outgoing, HEADER + length); }

static struct tpacket2_hdr* slot(uint32_t index) { return (struct tpacket2_hdr*)(ring + index * frame_size); }

static void give_back(void) {
  __atomic_store_n(&slot(next)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  next = (next + 1) % FRAMES;
}

static uint8_t* path_receive(uint32_t* length) {
  if (use_ring) {
    struct tpacket2_hdr* header = slot(next);
    if ((__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) return NULL;
    *length = header->tp_snaplen - HEADER;
    return (uint8_t*)header + header->tp_mac + HEADER;
  }
  ssize_t n = recv(fd, incoming, sizeof incoming, 0);
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) die("recv");
    return NULL;
  }
  *length = (uint32_t)n - HEADER;
  return incoming + HEADER;
}

// send() has copied the frame before it returns, so a ring slot may go back at once.
static void path_reply(uint8_t* message, uint32_t length) {
  ethernet_turn(message - HEADER);
  transmit(message - HEADER, HEADER + length);
  path_release(message);
}
static void path_release(uint8_t* message) {
  (void)message;
  if (use_ring) give_back();
}
