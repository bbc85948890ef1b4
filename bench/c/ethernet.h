// The Ethernet half of the packet and xdp floors: header, addresses, interface.
#pragma once

#include <linux/if_ether.h>

#include "common.h"

#define ETHER_TYPE 0x88B5
#define HEADER 14u

static uint8_t ethernet_header[HEADER];
static uint32_t interface_mtu;

static const char* path_where(void) { return ""; }

static void ethernet_open(void) {
  if (opt.interface == NULL) usage("--interface is needed");
  struct ifreq request;
  memset(&request, 0, sizeof request);
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", opt.interface);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) != 0) die(opt.interface);
  uint8_t own[6];
  memcpy(own, request.ifr_hwaddr.sa_data, 6);
  if (ioctl(fd, SIOCGIFMTU, &request) != 0) die(opt.interface);
  interface_mtu = (uint32_t)request.ifr_mtu;
  close(fd);

  uint8_t* h = ethernet_header;
  memset(h, 0, 6);
  if (!opt.server && sscanf(opt.peer, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", h, h + 1, h + 2, h + 3, h + 4, h + 5) != 6)
    usage("--peer is the server's MAC address");
  memcpy(h + 6, own, 6);
  h[12] = ETHER_TYPE >> 8;
  h[13] = ETHER_TYPE & 0xff;
}

// Turns a received frame round: back to its sender, from us.
static inline void ethernet_turn(uint8_t* frame) {
  memcpy(frame, frame + 6, 6);
  memcpy(frame + 6, ethernet_header + 6, 6);
}
