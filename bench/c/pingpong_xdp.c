// The floor of the xdp driver: AF_XDP on one queue, one sendto per message to ring the doorbell, and none to receive. A server
// answers from the frame it received.
// --mode native-copy (default), native-zerocopy, generic-copy.
#define RX_FRAMES 64u  // few, so that they stay in the cache
#define TX_FRAMES 64u
#define RING 128u

#include "pingpong.h"
#include "xdp.h"

static uint64_t message_frame;

static uint32_t path_limit(void) { return xdp_room(); }

// A sent frame that came from the fill ring goes back there; the others to the pool.
static void collect(void) {
  uint32_t consumer = *completion.consumer;
  uint32_t end = load(completion.producer);
  if (consumer == end) return;
  for (; consumer != end; consumer++) {
    uint64_t address = ((uint64_t*)completion.entries)[consumer & (RING - 1)];
    if (opt.server) {
      give_to_fill(address);
    } else {
      free_frames[free_count++] = address;
    }
  }
  store(completion.consumer, end);
}

static void transmit(uint64_t address, uint32_t length) {
  uint32_t producer = *tx.producer;
  ((struct xdp_desc*)tx.entries)[producer & (RING - 1)] = (struct xdp_desc){.addr = address, .len = length};
  store(tx.producer, producer + 1);
  ring_doorbell();
}

static uint8_t* path_message(void) {
  collect();
  while (free_count == 0 && !stop) {
    sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
    collect();
  }
  message_frame = free_frames[--free_count];
  memcpy(umem + message_frame, ethernet_header, HEADER);
  return umem + message_frame + HEADER;
}

static void path_send(uint32_t length) { transmit(message_frame, HEADER + length); }

static uint8_t* path_receive(uint32_t* length) {
  uint32_t consumer = *rx.consumer;
  if (load(rx.producer) == consumer) {
    if (load(fill.flags) & XDP_RING_NEED_WAKEUP) recvfrom(fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
    return NULL;
  }
  const struct xdp_desc* desc = &((struct xdp_desc*)rx.entries)[consumer & (RING - 1)];
  *length = desc->len - HEADER;
  uint8_t* message = umem + desc->addr + HEADER;
  store(rx.consumer, consumer + 1);
  return message;
}

static void path_reply(uint8_t* message, uint32_t length) {
  collect();
  ethernet_turn(message - HEADER);
  transmit((uint64_t)(message - HEADER - umem), HEADER + length);
}

// The kernel takes the chunk, whatever the offset within it.
static void path_release(uint8_t* message) { give_to_fill((uint64_t)(message - umem)); }
