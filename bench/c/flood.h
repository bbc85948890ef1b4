// What the three bare floods share: the client sends frames as fast as the path takes them, the server counts what arrives.
//
// Each program is the ceiling of one path for programs that send a message a frame: no protocol but a 4-byte sequence number in front
// of each, by which the server sees what was lost on the way. --size is that of a frame with its Ethernet header (xdp, packet), or of
// a datagram (udp). The server begins to count --warmup ms after the first frame, counts for --ms ms, prints one line of JSON and ends; the
// client sends until it is ended.
#pragma once

#include "common.h"

static const char* kind_name(void) { return "flood"; }
static const char* kind_flags(void) { return "[--warmup MS] [--ms MS]"; }

#define FIRST_FRAME_NS 10000000000ull
// Polls that find nothing between two looks at the clock.
#define IDLE_POLLS 64
// Between two looks at the clock lies a burst: some 10 us.
#define LONG_GAP_NS 200000

// ---- a path, beside what common.h asks for ---------------------------------------------------------------------------

// Smallest --size.
static uint32_t path_least(void);
// Payload bytes of a frame: what counts as bandwidth.
static uint32_t path_payload(void);
// Writes the frames to send, all but their sequence numbers.
static void path_prepare(void);
// Sends a burst, numbered from `sequence`; returns how many frames the path took.
static uint32_t path_send_burst(uint32_t sequence);
// Calls `arrived` for each frame of a burst; returns how many there were.
static uint32_t path_receive_burst(void);

// ---- counting -------------------------------------------------------------------------------------------------------

static struct {
  uint64_t frames;
  uint64_t lost;
  uint32_t expected;
} seen;

static inline void arrived(const uint8_t* message) {
  uint32_t sequence;
  memcpy(&sequence, message, SEQUENCE_BYTES);
  seen.lost += sequence - seen.expected;
  seen.expected = sequence + 1;
  seen.frames++;
}

static uint64_t wait_for_first(void) {
  uint64_t start = now_ns();
  while (path_receive_burst() == 0) {
    if (stop) exit(130);
    if (now_ns() - start < FIRST_FRAME_NS) continue;
    fprintf(stderr, "flood_%s: no frame came for 10 s; does the client run?\n", path_name());
    exit(1);
  }
  return now_ns();
}

// How long this thread has waited for a core, as the kernel counts it (proc(5), schedstat); 0 where it does not.
static uint64_t waited_ns(void) {
  static int fd = -1;
  char text[128] = "";
  unsigned long long waited = 0;
  if (fd < 0) fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || pread(fd, text, sizeof text - 1, 0) <= 0) return 0;
  sscanf(text, "%*u %llu", &waited);
  return waited;
}

// The longest time between two looks at the clock, without that in which the kernel had given the core to others: what is left is the
// machine's doing, for this loop has nothing to do for so long. Time waited counts in the first long gap after it.
static struct {
  uint64_t last;
  uint64_t waited;
  uint64_t longest;
} gap;

static inline void note_gap(uint64_t now) {
  uint64_t length = now - gap.last;
  gap.last = now;
  if (length < LONG_GAP_NS) return;
  uint64_t waited = waited_ns();
  uint64_t others = waited - gap.waited;
  gap.waited = waited;
  gap.last = now_ns();
  if (length > others && length - others > gap.longest) gap.longest = length - others;
}

// Receives until `end`; returns the time.
static uint64_t receive_until(uint64_t end) {
  for (uint32_t idle = 0; !stop;) {
    if (path_receive_burst() == 0) {
      relax();
      if (++idle < IDLE_POLLS) continue;
    }
    idle = 0;
    uint64_t now = now_ns();
    note_gap(now);
    if (now >= end) return now;
  }
  exit(130);
}

static void count(void) {
  uint64_t first = wait_for_first();
  gap.last = first;
  gap.waited = waited_ns();
  uint64_t start = receive_until(first + opt.warmup * 1000000);
  seen.frames = seen.lost = gap.longest = 0;
  uint64_t end = receive_until(start + opt.ms * 1000000);
  double seconds = (double)(end - start) / 1e9;
  double rate = (double)seen.frames / seconds;
  printf(
      "{\"test\":\"flood\",\"path\":\"%s\",\"mode\":\"%s\",\"size\":%u,\"frames\":%llu,\"lost\":%llu,\"seconds\":%.6f,"
      "\"frames_per_s\":%.0f,\"gbit_per_s\":%.4f,\"stall_ms\":%.3f}\n",
      path_name(), opt.mode, opt.size, (unsigned long long)seen.frames, (unsigned long long)seen.lost, seconds, rate,
      rate * path_payload() * 8 / 1e9, (double)gap.longest / 1e6);
}

static void flood(void) {
  path_prepare();
  for (uint32_t sequence = 0; !stop;) {
    uint32_t sent = path_send_burst(sequence);
    if (sent == 0) relax();
    sequence += sent;
  }
}

int main(int argc, char** argv) {
  parse(argc, argv);
  settle();
  path_open();
  if (opt.size < path_least() || opt.size > path_limit()) {
    fprintf(stderr, "flood_%s: --size is from %u to %u on this path\n", path_name(), path_least(), path_limit());
    return 2;
  }
  if (opt.server) {
    printf("ready %s\n", path_where());
    fflush(stdout);
    count();
  } else {
    flood();
  }
  return 0;
}
