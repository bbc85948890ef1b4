// The UDP half of the udp floors: addresses, the socket, the port.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common.h"

static int fd;

// "198.18.0.1:34997" or "[fd00::1]:34997"
static socklen_t address(const char* text, struct sockaddr_storage* out) {
  char host[64];
  unsigned port;
  memset(out, 0, sizeof *out);
  struct sockaddr_in* v4 = (struct sockaddr_in*)out;
  struct sockaddr_in6* v6 = (struct sockaddr_in6*)out;
  if (sscanf(text, "[%63[0-9a-fA-F:]]:%u", host, &port) == 2 && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return sizeof *v6;
  }
  if (sscanf(text, "%63[0-9.]:%u", host, &port) == 2 && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    return sizeof *v4;
  }
  usage("--local (server) and --peer (client) are ADDRESS:PORT or [ADDRESS]:PORT");
}

// Non-blocking; a server's is bound to --local, a client's connected to --peer.
static int udp_open(void) {
  struct sockaddr_storage target;
  socklen_t length = address(opt.server ? opt.local : opt.peer, &target);
  fd = socket(target.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  if (opt.server) {
    if (bind(fd, (struct sockaddr*)&target, length) != 0) die("bind");
  } else if (connect(fd, (struct sockaddr*)&target, length) != 0) {
    die("connect");
  }
  return target.ss_family;
}

// The port, which the kernel chose if it was 0.
static const char* path_where(void) {
  static char text[8];
  struct sockaddr_storage own;
  socklen_t length = sizeof own;
  if (getsockname(fd, (struct sockaddr*)&own, &length) != 0) die("getsockname");
  uint16_t port =
      own.ss_family == AF_INET ? ((struct sockaddr_in*)&own)->sin_port : ((struct sockaddr_in6*)&own)->sin6_port;
  snprintf(text, sizeof text, "%u", ntohs(port));
  return text;
}

static uint32_t path_limit(void) { return 65507; }
