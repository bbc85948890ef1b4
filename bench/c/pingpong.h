// What the three bare ping-pongs share: the two loops, percentiles, one line of JSON.
//
// Each program is the floor of one path into the kernel: the least that any program must do to send a message and
// get its answer. So there is no protocol here but a 4-byte sequence number in front of the payload, which tells a late
// answer from the one that is awaited.
#pragma once

#include "common.h"

#include <math.h>
#include <poll.h>

#define LOSS_TIMEOUT_NS 100000000ull
#define LOSSES_IN_A_ROW 50

static const char* kind_name(void) { return "pingpong"; }
static const char* kind_flags(void) {
  return "[--rounds N] [--warmup N] [--rate N] [--block [--patience US]] [--raw FILE]";
}

// ---- a path, beside what common.h asks for ---------------------------------------------------------------------------

// Where the next message to send is to be written.
static uint8_t* path_message(void);
static void path_send(uint32_t length);
// The next message received, or NULL; it is valid until path_reply or path_release.
static uint8_t* path_receive(uint32_t* length);
// Sends the message just received back to its sender, from where it lies if the path can.
static void path_reply(uint8_t* message, uint32_t length);
static void path_release(uint8_t* message);

// ---- the loops ------------------------------------------------------------------------------------------------------

static int descriptor;

// When the wait began that is under way; 0: it has not been looked at.
static uint64_t waiting_since;

// --block sleeps in poll(); with --patience after so many microseconds of polling, by a clock that is looked at rarely. A client
// with a schedule watches the clock, and does not sleep.
static inline bool may_sleep(void) {
  static uint32_t looks;
  if (!opt.server && opt.rate > 0) return false;
  if (opt.patience == 0) return true;
  if ((++looks & 63) != 0) return false;
  uint64_t now = now_ns();
  if (waiting_since == 0) waiting_since = now;
  return now - waiting_since > opt.patience * 1000;
}

static inline void wait_a_moment(void) {
  if (opt.block && may_sleep()) {
    struct pollfd p = {.fd = descriptor, .events = POLLIN};
    poll(&p, 1, 100);
  } else {
    relax();
  }
}

static void serve(void) {
  while (!stop) {
    uint32_t length;
    uint8_t* message = path_receive(&length);
    if (message != NULL) {
      path_reply(message, length);
      waiting_since = 0;
    } else {
      wait_a_moment();
    }
  }
}

struct tally {
  uint64_t lost;   // rounds that had to be sent again
  uint64_t stale;  // answers to earlier rounds
  uint64_t wrong;  // answers whose payload differs
};

static inline void send_round(uint32_t sequence) {
  uint8_t* out = path_message();
  memcpy(out, &sequence, SEQUENCE_BYTES);
  memset(out + SEQUENCE_BYTES, (int)(sequence & 0xff), opt.size);
  path_send(SEQUENCE_BYTES + opt.size);
}

__attribute__((noreturn)) static void give_up(void) {
  fprintf(stderr, "pingpong_%s: no answer from %s for %d tries; does the server run?\n", path_name(), opt.peer,
          LOSSES_IN_A_ROW);
  exit(1);
}

// When the round that begins now was due: now, or with a rate when its turn is, which may have been before the last one ended.
static uint64_t await_turn(void) {
  static uint64_t due;
  uint64_t now = now_ns();
  if (opt.rate == 0) return now;
  due = due == 0 ? now : due + 1000000000ull / opt.rate;
  while (now < due && !stop) now = now_ns();
  return due;
}

// One round: the time from when it was due to after the answer is in hand. Looking at the payload comes after the clock.
static uint64_t round_trip(uint32_t sequence, struct tally* tally) {
  uint32_t length = SEQUENCE_BYTES + opt.size;
  uint64_t start = await_turn();
  uint64_t sent = start;
  send_round(sequence);
  waiting_since = 0;
  for (uint32_t idle = 0, losses = 0; !stop;) {
    uint32_t got;
    uint8_t* in = path_receive(&got);
    if (in == NULL) {
      wait_a_moment();
      // The clock is looked at rarely, so that the wait is spent looking at the ring.
      if ((++idle & 0xfff) == 0 || opt.block) {
        uint64_t now = now_ns();
        if (now - sent > LOSS_TIMEOUT_NS) {
          tally->lost++;
          if (++losses == LOSSES_IN_A_ROW) give_up();
          send_round(sequence);
          sent = now;
        }
      }
      continue;
    }
    uint64_t end = now_ns();
    bool mine = got >= length && memcmp(in, &sequence, SEQUENCE_BYTES) == 0;
    if (mine && opt.size > 0) {
      if (in[SEQUENCE_BYTES] != (sequence & 0xff) || in[length - 1] != (sequence & 0xff)) tally->wrong++;
    }
    path_release(in);
    if (mine) return end - start;
    tally->stale++;
  }
  return 0;
}

// ---- results --------------------------------------------------------------------------------------------------------

static int by_value(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// Nearest rank: the smallest sample that at least `share` of all samples do not exceed.
static double percentile(const double* sorted, uint64_t n, double share) {
  uint64_t rank = (uint64_t)ceil(share * (double)n - 1e-9);
  return sorted[rank == 0 ? 0 : rank - 1];
}

static void write_raw(const double* us) {
  FILE* file = fopen(opt.raw, "wb");
  if (file == NULL || fwrite(us, sizeof *us, opt.rounds, file) != opt.rounds || fclose(file) != 0) die(opt.raw);
}

static void report(double* us, uint64_t elapsed, const struct tally* tally) {
  uint64_t n = opt.rounds;
  double sum = 0;
  for (uint64_t i = 0; i < n; i++) sum += us[i];
  qsort(us, n, sizeof *us, by_value);
  printf(
      "{\"test\":\"pingpong\",\"path\":\"%s\",\"mode\":\"%s\",\"wait\":\"%s\",\"size\":%u,\"rounds\":%llu,\"lost\":%"
      "llu,"
      "\"stale\":%llu,\"wrong\":%llu,\"rtt_us\":{\"min\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,"
      "\"p9999\":%.3f,\"max\":%.3f,\"mean\":%.3f},\"elapsed_us_per_round\":%.3f}\n",
      path_name(), opt.mode,
      !opt.block          ? "spin"
      : opt.patience == 0 ? "block"
                          : "adaptive",
      opt.size, (unsigned long long)n, (unsigned long long)tally->lost, (unsigned long long)tally->stale,
      (unsigned long long)tally->wrong, us[0], percentile(us, n, 0.5), percentile(us, n, 0.9), percentile(us, n, 0.99),
      percentile(us, n, 0.999), percentile(us, n, 0.9999), us[n - 1], sum / (double)n,
      (double)elapsed / 1000.0 / (double)n);
}

static void ask(void) {
  double* us = malloc(opt.rounds * sizeof *us);
  if (us == NULL) die("memory for the samples");
  memset(us, 0, opt.rounds * sizeof *us);  // page faults now, not in the loop
  struct tally tally = {0, 0, 0};
  uint32_t sequence = 0;
  for (uint64_t i = 0; i < opt.warmup && !stop; i++) round_trip(++sequence, &tally);
  tally = (struct tally){0, 0, 0};
  uint64_t start = now_ns();
  for (uint64_t i = 0; i < opt.rounds && !stop; i++) us[i] = (double)round_trip(++sequence, &tally) / 1000.0;
  uint64_t elapsed = now_ns() - start;
  if (stop) exit(130);
  if (opt.raw != NULL) write_raw(us);
  report(us, elapsed, &tally);
}

int main(int argc, char** argv) {
  parse(argc, argv);
  settle();
  descriptor = path_open();
  if (opt.size + SEQUENCE_BYTES > path_limit()) {
    fprintf(stderr, "pingpong_%s: --size is at most %u on this interface\n", path_name(),
            path_limit() - SEQUENCE_BYTES);
    return 2;
  }
  if (opt.server) {
    printf("ready %s\n", path_where());
    fflush(stdout);
    serve();
  } else {
    ask();
  }
  return 0;
}
