// The AF_XDP half of the xdp floors: one queue, the four rings worked by hand. The XDP program is written out below: EtherType
// 0x88B5 goes to the socket, the rest to the kernel; a link holds it, so it is gone when the process is.
// Who includes this says how many frames there are to receive into (RX_FRAMES) and to send from (TX_FRAMES), and how long a ring is
// (RING, a power of two, no less than either).
#pragma once

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "ethernet.h"

#define FRAMES (RX_FRAMES + TX_FRAMES)

struct ring {
  uint32_t* producer;
  uint32_t* consumer;
  uint32_t* flags;
  void* entries;
};

static int fd;
static uint32_t frame_size = 2048;
static uint8_t* umem;
static struct ring fill, completion, rx, tx;
static uint64_t free_frames[FRAMES];
static uint32_t free_count;

static const char* path_name(void) { return "xdp"; }

static inline uint32_t load(const uint32_t* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
static inline void store(uint32_t* word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }

// ---- the XDP program ------------------------------------------------------------------------------------------------

#define INSN(c, d, s, o, i) ((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

static int load_program(int map) {
  const struct bpf_insn program[] = {
      INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0),                    // r2 = data
      INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 1, 4, 0),                    // r3 = data_end
      INSN(BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0),                  // r4 = r2
      INSN(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, HEADER),             // r4 += 14
      INSN(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 8, 0),                    // beyond the end: pass
      INSN(BPF_LDX | BPF_MEM | BPF_H, 5, 2, 12, 0),                   // r5 = EtherType
      INSN(BPF_JMP | BPF_JNE | BPF_K, 5, 0, 6, htons(ETHER_TYPE)),    // another: pass
      INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 16, 0),                   // r2 = rx_queue_index
      INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),  // r1 = map, two words
      INSN(0, 0, 0, 0, 0),
      INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, XDP_PASS),  // what to do if no socket is there
      INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map),
      INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
      INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),  // pass:
      INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  int prog =
      bpf_prog_load(BPF_PROG_TYPE_XDP, "emp_floor", "Dual BSD/GPL", program, sizeof program / sizeof *program, NULL);
  if (prog < 0) die("load the XDP program");
  return prog;
}

static void attach(bool generic) {
  int map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "emp_floor_xsks", 4, 4, (uint32_t)opt.queue + 1, NULL);
  if (map < 0) die("create the XSKMAP");
  uint32_t queue = (uint32_t)opt.queue;
  if (bpf_map_update_elem(map, &queue, &fd, 0) != 0) die("put the socket into the XSKMAP");
  LIBBPF_OPTS(bpf_link_create_opts, link, .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
  // The descriptor stays open until the process ends.
  if (bpf_link_create(load_program(map), (int)if_nametoindex(opt.interface), BPF_XDP, &link) < 0)
    die("attach the XDP program");
}

// ---- the socket -----------------------------------------------------------------------------------------------------

static struct ring map_ring(off_t page, const struct xdp_ring_offset* offset, size_t entry) {
  size_t length = offset->desc + RING * entry;
  uint8_t* base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, page);
  if (base == MAP_FAILED) die("mmap a ring");
  return (struct ring){.producer = (uint32_t*)(base + offset->producer),
                       .consumer = (uint32_t*)(base + offset->consumer),
                       .flags = (uint32_t*)(base + offset->flags),
                       .entries = base + offset->desc};
}

static void xdp_option(int option, const void* value, socklen_t length, const char* name) {
  if (setsockopt(fd, SOL_XDP, option, value, length) != 0) die(name);
}

static void open_rings(void) {
  int entries = RING;
  xdp_option(XDP_UMEM_FILL_RING, &entries, sizeof entries, "XDP_UMEM_FILL_RING");
  xdp_option(XDP_UMEM_COMPLETION_RING, &entries, sizeof entries, "XDP_UMEM_COMPLETION_RING");
  xdp_option(XDP_RX_RING, &entries, sizeof entries, "XDP_RX_RING");
  xdp_option(XDP_TX_RING, &entries, sizeof entries, "XDP_TX_RING");
  struct xdp_mmap_offsets offsets;
  socklen_t length = sizeof offsets;
  if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length) != 0) die("XDP_MMAP_OFFSETS");
  fill = map_ring(XDP_UMEM_PGOFF_FILL_RING, &offsets.fr, sizeof(uint64_t));
  completion = map_ring((off_t)XDP_UMEM_PGOFF_COMPLETION_RING, &offsets.cr, sizeof(uint64_t));
  rx = map_ring(XDP_PGOFF_RX_RING, &offsets.rx, sizeof(struct xdp_desc));
  tx = map_ring((off_t)XDP_PGOFF_TX_RING, &offsets.tx, sizeof(struct xdp_desc));
}

static void give_to_fill(uint64_t address) {
  uint32_t producer = *fill.producer;
  ((uint64_t*)fill.entries)[producer & (RING - 1)] = address;
  store(fill.producer, producer + 1);
}

// The kernel lets go of a queue a moment after its last socket is closed: a run right after another waits for that.
static void bind_when_free(const struct sockaddr_xdp* local) {
  for (int attempt = 0; bind(fd, (const struct sockaddr*)local, sizeof *local) != 0; attempt++) {
    if (errno != EBUSY || attempt == 100) die("bind");
    usleep(10000);
  }
}

static int path_open(void) {
  ethernet_open();
  if (*opt.mode == 0) opt.mode = "native-copy";
  bool generic = strcmp(opt.mode, "generic-copy") == 0;
  bool zero_copy = strcmp(opt.mode, "native-zerocopy") == 0;
  if (!generic && !zero_copy && strcmp(opt.mode, "native-copy") != 0)
    usage("--mode is native-copy, native-zerocopy or generic-copy");

  struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &unlimited);
  while (frame_size < 4096 && frame_size < interface_mtu + HEADER + XDP_PACKET_HEADROOM) frame_size *= 2;
  fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  umem = mmap(NULL, FRAMES * frame_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (umem == MAP_FAILED) die("mmap");
  struct xdp_umem_reg area = {.addr = (uint64_t)(uintptr_t)umem, .len = FRAMES * frame_size, .chunk_size = frame_size};
  xdp_option(XDP_UMEM_REG, &area, sizeof area, "XDP_UMEM_REG");
  open_rings();
  for (uint32_t i = 0; i < RX_FRAMES; i++) give_to_fill((uint64_t)i * frame_size);
  for (uint32_t i = RX_FRAMES; i < FRAMES; i++) free_frames[free_count++] = (uint64_t)i * frame_size;

  struct sockaddr_xdp local = {.sxdp_family = AF_XDP,
                               .sxdp_flags = (uint16_t)((zero_copy ? XDP_ZEROCOPY : XDP_COPY) | XDP_USE_NEED_WAKEUP),
                               .sxdp_ifindex = if_nametoindex(opt.interface),
                               .sxdp_queue_id = (uint32_t)opt.queue};
  bind_when_free(&local);
  attach(generic);
  return fd;
}

// Bytes behind the Ethernet header that a frame has room for.
static uint32_t xdp_room(void) {
  uint32_t room = frame_size - XDP_PACKET_HEADROOM - HEADER;
  return interface_mtu < room ? interface_mtu : room;
}

static inline void ring_doorbell(void) {
  if (load(tx.flags) & XDP_RING_NEED_WAKEUP) {
    if (sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN && errno != EBUSY && errno != ENOBUFS)
      die("sendto");
  }
}
