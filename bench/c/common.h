// What the three bare ping-pongs share: flags, the two loops, the clock, percentiles, one line of JSON.
//
// Each program is the floor of one path into the kernel: the least that any program must do to send a message and
// get its answer. So there is no protocol here but a 4-byte sequence number in front of the payload, which tells a late
// answer from the one that is awaited. A path is a handful of static functions, which its own file defines after including this one;
// everything is one translation unit, so that the compiler inlines them into the loops.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SEQUENCE_BYTES 4u
#define LOSS_TIMEOUT_NS 100000000ull
#define LOSSES_IN_A_ROW 50
#define MAX_MESSAGE 65536u

struct options {
  bool server;
  bool block;
  int cpu;
  uint32_t size;
  uint64_t rounds;
  uint64_t warmup;
  const char* interface;
  const char* namespace_;
  const char* local;
  const char* peer;
  const char* mode;
  const char* raw;
  int queue;
};

static struct options opt = {
    .cpu = -1, .size = 16, .rounds = 100000, .warmup = 10000, .mode = "", .local = "", .peer = ""};

// ---- a path ---------------------------------------------------------------------------------------------------------

static const char* path_name(void);
// What a client has to be told, if anything: printed after "ready".
static const char* path_where(void);
// Opens the socket; returns the descriptor that poll() may sleep on.
static int path_open(void);
// Largest message (sequence number included).
static uint32_t path_limit(void);
// Where the next message to send is to be written.
static uint8_t* path_message(void);
static void path_send(uint32_t length);
// The next message received, or NULL; it is valid until path_reply or path_release.
static uint8_t* path_receive(uint32_t* length);
// Sends the message just received back to its sender, from where it lies if the path can.
static void path_reply(uint8_t* message, uint32_t length);
static void path_release(uint8_t* message);

// ---- errors, clock --------------------------------------------------------------------------------------------------

static volatile sig_atomic_t stop;
static void on_signal(int signal_number) {
  (void)signal_number;
  stop = 1;
}

__attribute__((noreturn)) static void die(const char* what) {
  fprintf(stderr, "pingpong_%s: %s: %s\n", path_name(), what, strerror(errno));
  exit(1);
}

__attribute__((noreturn)) static void usage(const char* what) {
  fprintf(stderr,
          "pingpong_%s: %s\n"
          "usage: pingpong_%s --role server|client [--interface NAME] [--namespace NAME] [--cpu N] [--size BYTES]\n"
          "  [--rounds N] [--warmup N] [--local ADDRESS] [--peer ADDRESS] [--mode MODE] [--queue N] [--block] [--raw "
          "FILE]\n",
          path_name(), what, path_name());
  exit(2);
}

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// ---- flags ----------------------------------------------------------------------------------------------------------

static uint64_t number(const char* text, const char* flag) {
  char* end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || *end != 0 || end == text || *text == '-') {
    char message[128];
    snprintf(message, sizeof message, "--%s wants a whole number, not '%.40s'", flag, text);
    usage(message);
  }
  return value;
}

static void parse(int argc, char** argv) {
  enum { ROLE, INTERFACE, NAMESPACE, CPU, SIZE, ROUNDS, WARMUP, LOCAL, PEER, MODE, QUEUE, BLOCK, RAW };
  static const struct option flags[] = {{"role", 1, 0, ROLE},
                                        {"interface", 1, 0, INTERFACE},
                                        {"namespace", 1, 0, NAMESPACE},
                                        {"cpu", 1, 0, CPU},
                                        {"size", 1, 0, SIZE},
                                        {"rounds", 1, 0, ROUNDS},
                                        {"warmup", 1, 0, WARMUP},
                                        {"local", 1, 0, LOCAL},
                                        {"peer", 1, 0, PEER},
                                        {"mode", 1, 0, MODE},
                                        {"queue", 1, 0, QUEUE},
                                        {"block", 0, 0, BLOCK},
                                        {"raw", 1, 0, RAW},
                                        {0, 0, 0, 0}};
  const char* role = "";
  for (int flag, index = 0; (flag = getopt_long(argc, argv, "", flags, &index)) != -1;) {
    const char* name = flags[index].name;
    switch (flag) {
      case ROLE:
        role = optarg;
        break;
      case INTERFACE:
        opt.interface = optarg;
        break;
      case NAMESPACE:
        opt.namespace_ = optarg;
        break;
      case CPU:
        opt.cpu = (int)number(optarg, name);
        break;
      case SIZE:
        opt.size = (uint32_t)number(optarg, name);
        break;
      case ROUNDS:
        opt.rounds = number(optarg, name);
        break;
      case WARMUP:
        opt.warmup = number(optarg, name);
        break;
      case LOCAL:
        opt.local = optarg;
        break;
      case PEER:
        opt.peer = optarg;
        break;
      case MODE:
        opt.mode = optarg;
        break;
      case QUEUE:
        opt.queue = (int)number(optarg, name);
        break;
      case BLOCK:
        opt.block = true;
        break;
      case RAW:
        opt.raw = optarg;
        break;
      default:
        usage("unknown flag");
    }
  }
  if (optind != argc) usage("no arguments but flags");
  opt.server = strcmp(role, "server") == 0;
  if (!opt.server && strcmp(role, "client") != 0) usage("--role is server or client");
  if (opt.rounds == 0) usage("--rounds is at least 1");
}

// ---- the process ----------------------------------------------------------------------------------------------------

static void settle(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // a spinning orphan would eat a core for ever
  if (opt.namespace_ != NULL) {
    char path[256];
    snprintf(path, sizeof path, "/run/netns/%s", opt.namespace_);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) die(path);
    if (setns(fd, CLONE_NEWNET) != 0) die("setns");
    close(fd);
  }
  if (opt.cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)opt.cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
  }
}

// ---- the loops ------------------------------------------------------------------------------------------------------

static int descriptor;

static inline void wait_a_moment(void) {
  if (opt.block) {
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

// One round: the time from before the send to after the answer is in hand. Looking at the payload comes after the clock.
static uint64_t round_trip(uint32_t sequence, struct tally* tally) {
  uint32_t length = SEQUENCE_BYTES + opt.size;
  uint64_t start = now_ns();
  uint64_t sent = start;
  send_round(sequence);
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
      path_name(), opt.mode, opt.block ? "block" : "spin", opt.size, (unsigned long long)n,
      (unsigned long long)tally->lost, (unsigned long long)tally->stale, (unsigned long long)tally->wrong, us[0],
      percentile(us, n, 0.5), percentile(us, n, 0.9), percentile(us, n, 0.99), percentile(us, n, 0.999),
      percentile(us, n, 0.9999), us[n - 1], sum / (double)n, (double)elapsed / 1000.0 / (double)n);
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
