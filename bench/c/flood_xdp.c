// The flood over AF_XDP: bursts of descriptors, one sendto for each burst to ring the doorbell, none to receive.
// --mode native-copy (default), native-zerocopy, generic-copy.
#define RX_FRAMES 2048u
#define TX_FRAMES 512u
#define RING 2048u
// The kernel takes 32 descriptors a call in copy mode.
#define BURST 32u

#include "flood.h"
#include "xdp.h"

static uint32_t path_least(void) { return HEADER + SEQUENCE_BYTES; }
static uint32_t path_payload(void) { return opt.size - HEADER; }
static uint32_t path_limit(void) { return HEADER + xdp_room(); }

static void path_prepare(void) {
  for (uint32_t i = 0; i < free_count; i++) memcpy(umem + free_frames[i], ethernet_header, HEADER);
}

static void collect(void) {
  uint32_t consumer = *completion.consumer;
  uint32_t end = load(completion.producer);
  if (consumer == end) return;
  for (; consumer != end; consumer++)
    free_frames[free_count++] = ((uint64_t*)completion.entries)[consumer & (RING - 1)];
  store(completion.consumer, end);
}

static uint32_t path_send_burst(uint32_t sequence) {
  collect();
  uint32_t count = free_count < BURST ? free_count : BURST;
  uint32_t producer = *tx.producer;
  for (uint32_t i = 0; i < count; i++, sequence++) {
    uint64_t address = free_frames[--free_count];
    memcpy(umem + address + HEADER, &sequence, SEQUENCE_BYTES);
    ((struct xdp_desc*)tx.entries)[(producer + i) & (RING - 1)] = (struct xdp_desc){.addr = address, .len = opt.size};
  }
  store(tx.producer, producer + count);
  ring_doorbell();
  return count;
}

static uint32_t path_receive_burst(void) {
  uint32_t consumer = *rx.consumer;
  uint32_t count = load(rx.producer) - consumer;
  if (count == 0) {
    if (load(fill.flags) & XDP_RING_NEED_WAKEUP) recvfrom(fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
    return 0;
  }
  uint32_t producer = *fill.producer;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t address = ((struct xdp_desc*)rx.entries)[(consumer + i) & (RING - 1)].addr;
    arrived(umem + address + HEADER);
    ((uint64_t*)fill.entries)[(producer + i) & (RING - 1)] = address;
  }
  store(rx.consumer, consumer + count);
  store(fill.producer, producer + count);
  return count;
}
