// The floor of the udp driver: two UDP sockets, non-blocking recv until something is there, one send per message.
// The client's socket is connected; the server connects to whoever speaks first.
#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static int fd;
static bool connected;
static uint8_t incoming[MAX_MESSAGE];
static uint8_t outgoing[MAX_MESSAGE];

static const char* path_name(void) { return "udp"; }

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

static int path_open(void) {
  struct sockaddr_storage target;
  socklen_t length = address(opt.server ? opt.local : opt.peer, &target);
  fd = socket(target.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  if (opt.server) {
    if (bind(fd, (struct sockaddr*)&target, length) != 0) die("bind");
  } else if (connect(fd, (struct sockaddr*)&target, length) != 0) {
    die("connect");
  }
  opt.mode = target.ss_family == AF_INET ? "udp4" : "udp6";
  return fd;
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
static uint8_t* path_message(void) { return outgoing; }
static void path_send(uint32_t length) {
  if (send(fd, outgoing, length, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED) die("send");
}

static uint8_t* path_receive(uint32_t* length) {
  ssize_t n;
  if (opt.server && !connected) {
    struct sockaddr_storage from;
    socklen_t from_length = sizeof from;
    n = recvfrom(fd, incoming, sizeof incoming, 0, (struct sockaddr*)&from, &from_length);
    if (n >= 0) {
      if (connect(fd, (struct sockaddr*)&from, from_length) != 0) die("connect");
      connected = true;
    }
  } else {
    n = recv(fd, incoming, sizeof incoming, 0);
  }
  if (n < 0) {
    if (errno != EAGAIN && errno != ECONNREFUSED && errno != EINTR) die("recv");
    return NULL;
  }
  *length = (uint32_t)n;
  return incoming;
}

static void path_reply(uint8_t* message, uint32_t length) {
  if (send(fd, message, length, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED) die("send");
}
static void path_release(uint8_t* message) { (void)message; }
