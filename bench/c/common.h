// What the bare C programs share: flags, the clock, the process. Two kinds of program (pingpong.h, flood.h) over three paths. A path is a
// handful of static functions, which its own file defines after including these; everything is one translation unit, so that the
// compiler inlines them into the loops.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
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
#define MAX_MESSAGE 65536u

struct options {
  bool server;
  bool block;
  int cpu;
  uint32_t size;
  uint64_t rounds;
  uint64_t warmup;
  uint64_t ms;
  uint64_t rate;
  uint64_t patience;
  const char* interface;
  const char* namespace_;
  const char* local;
  const char* peer;
  const char* mode;
  const char* raw;
  int queue;
};

static struct options opt = {
    .cpu = -1, .size = 16, .rounds = 100000, .warmup = 10000, .ms = 1000, .mode = "", .local = "", .peer = ""};

// ---- a kind of program ----------------------------------------------------------------------------------------------

static const char* kind_name(void);
// Its flags, for the text of usage.
static const char* kind_flags(void);

// ---- a path ---------------------------------------------------------------------------------------------------------

static const char* path_name(void);
// What a client has to be told, if anything: printed after "ready".
static const char* path_where(void);
// Opens the socket; returns the descriptor that poll() may sleep on.
static int path_open(void);
// Largest message (sequence number included).
static uint32_t path_limit(void);

// ---- errors, clock --------------------------------------------------------------------------------------------------

static volatile sig_atomic_t stop;
static void on_signal(int signal_number) {
  (void)signal_number;
  stop = 1;
}

__attribute__((noreturn)) static void die(const char* what) {
  fprintf(stderr, "%s_%s: %s: %s\n", kind_name(), path_name(), what, strerror(errno));
  exit(1);
}

__attribute__((noreturn)) static void usage(const char* what) {
  fprintf(
      stderr,
      "%s_%s: %s\nusage: %s_%s --role server|client [--interface NAME] [--namespace NAME] [--cpu N] [--size BYTES]\n"
      "  [--local ADDRESS] [--peer ADDRESS] [--mode MODE] [--queue N] %s\n",
      kind_name(), path_name(), what, kind_name(), path_name(), kind_flags());
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
  enum {
    ROLE,
    INTERFACE,
    NAMESPACE,
    CPU,
    SIZE,
    ROUNDS,
    WARMUP,
    MS,
    LOCAL,
    PEER,
    MODE,
    QUEUE,
    BLOCK,
    RAW,
    RATE,
    PATIENCE
  };
  static const struct option flags[] = {{"role", 1, 0, ROLE},
                                        {"interface", 1, 0, INTERFACE},
                                        {"namespace", 1, 0, NAMESPACE},
                                        {"cpu", 1, 0, CPU},
                                        {"size", 1, 0, SIZE},
                                        {"rounds", 1, 0, ROUNDS},
                                        {"warmup", 1, 0, WARMUP},
                                        {"ms", 1, 0, MS},
                                        {"local", 1, 0, LOCAL},
                                        {"peer", 1, 0, PEER},
                                        {"mode", 1, 0, MODE},
                                        {"queue", 1, 0, QUEUE},
                                        {"block", 0, 0, BLOCK},
                                        {"raw", 1, 0, RAW},
                                        {"rate", 1, 0, RATE},
                                        {"patience", 1, 0, PATIENCE},
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
      case MS:
        opt.ms = number(optarg, name);
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
      case RATE:
        opt.rate = number(optarg, name);
        break;
      case PATIENCE:
        opt.patience = number(optarg, name);
        break;
      default:
        usage("unknown flag");
    }
  }
  if (optind != argc) usage("no arguments but flags");
  opt.server = strcmp(role, "server") == 0;
  if (!opt.server && strcmp(role, "client") != 0) usage("--role is server or client");
  if (opt.rounds == 0) usage("--rounds is at least 1");
  if (opt.ms == 0) usage("--ms is at least 1");
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
