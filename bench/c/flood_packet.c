// The flood over AF_PACKET: a TPACKET_V2 ring to send from, one send() for each burst, the queueing discipline bypassed; a ring to receive.
// --mode ring (default); send: one send() for each frame, from the process's memory.
#include "ethernet.h"
#include "flood.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <sys/mman.h>

#define RX_SLOTS 2048u
#define TX_SLOTS 256u
#define BURST 64u
#define BLOCK_SIZE 65536u
// Where the kernel looks for a frame in a slot to send from.
#define TX_DATA (TPACKET2_HDRLEN - sizeof(struct sockaddr_ll))

static int fd;
static bool use_ring;
static uint32_t slot_size = 2048;
static uint8_t* ring;
static uint32_t next;
static uint8_t outgoing[MAX_MESSAGE];

static const char* path_name(void) { return "packet"; }
static uint32_t path_least(void) { return HEADER + SEQUENCE_BYTES; }
static uint32_t path_payload(void) { return opt.size - HEADER; }
static uint32_t path_limit(void) { return HEADER + interface_mtu; }

static void set(int option, int value, const char* name) {
  if (setsockopt(fd, SOL_PACKET, option, &value, sizeof value) != 0) die(name);
}

static void map_ring(int option, uint32_t slots, const char* name) {
  while (slot_size < interface_mtu + HEADER + TPACKET2_HDRLEN + 64) slot_size *= 2;
  uint32_t block = slot_size > BLOCK_SIZE ? slot_size : BLOCK_SIZE;
  struct tpacket_req request = {.tp_block_size = block,
                                .tp_block_nr = slots * slot_size / block,
                                .tp_frame_size = slot_size,
                                .tp_frame_nr = slots};
  set(PACKET_VERSION, TPACKET_V2, "PACKET_VERSION");
  if (setsockopt(fd, SOL_PACKET, option, &request, sizeof request) != 0) die(name);
  ring = mmap(NULL, (size_t)slots * slot_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (ring == MAP_FAILED) die("mmap");
}

static int path_open(void) {
  ethernet_open();
  if (*opt.mode == 0) opt.mode = "ring";
  use_ring = strcmp(opt.mode, "ring") == 0;
  if (!use_ring && strcmp(opt.mode, "send") != 0) usage("--mode is ring or send");
  fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  set(PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS");
  set(PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
  if (opt.server)
    map_ring(PACKET_RX_RING, RX_SLOTS, "PACKET_RX_RING");
  else if (use_ring)
    map_ring(PACKET_TX_RING, TX_SLOTS, "PACKET_TX_RING");
  struct sockaddr_ll local = {.sll_family = AF_PACKET,
                              .sll_protocol = opt.server ? htons(ETHER_TYPE) : 0,
                              .sll_ifindex = (int)if_nametoindex(opt.interface)};
  if (bind(fd, (struct sockaddr*)&local, sizeof local) != 0) die("bind");
  return fd;
}

static struct tpacket2_hdr* slot(uint32_t index) { return (struct tpacket2_hdr*)(ring + (size_t)index * slot_size); }

static void path_prepare(void) {
  memcpy(outgoing, ethernet_header, HEADER);
  for (uint32_t i = 0; use_ring && i < TX_SLOTS; i++) {
    memcpy((uint8_t*)slot(i) + TX_DATA, ethernet_header, HEADER);
    slot(i)->tp_len = opt.size;
  }
}

static void transmit(const void* frame, uint32_t length) {
  if (send(fd, frame, length, MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != ENOBUFS) die("send");
}

static uint32_t path_send_burst(uint32_t sequence) {
  if (!use_ring) {
    memcpy(outgoing + HEADER, &sequence, SEQUENCE_BYTES);
    transmit(outgoing, opt.size);
    return 1;
  }
  uint32_t count = 0;
  for (; count < BURST; count++, sequence++) {
    struct tpacket2_hdr* header = slot(next);
    if (__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE) break;
    memcpy((uint8_t*)header + TX_DATA + HEADER, &sequence, SEQUENCE_BYTES);
    __atomic_store_n(&header->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
    next = (next + 1) % TX_SLOTS;
  }
  transmit(NULL, 0);
  return count;
}

static uint32_t path_receive_burst(void) {
  uint32_t count = 0;
  for (; count < BURST; count++) {
    struct tpacket2_hdr* header = slot(next);
    if ((__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) break;
    arrived((uint8_t*)header + header->tp_mac + HEADER);
    __atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    next = (next + 1) % RX_SLOTS;
  }
  return count;
}
