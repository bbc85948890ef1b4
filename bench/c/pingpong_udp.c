// The floor of the udp driver: two UDP sockets, non-blocking recv until something is there, one send per message.
// The client's socket is connected; the server connects to whoever speaks first.
#include "pingpong.h"
#include "udp.h"

static bool connected;
static uint8_t incoming[MAX_MESSAGE];
static uint8_t outgoing[MAX_MESSAGE];

static const char* path_name(void) { return "udp"; }

static int path_open(void) {
  opt.mode = udp_open() == AF_INET ? "udp4" : "udp6";
  return fd;
}

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
