// What the kernel knows about one interface, asked through any socket of its namespace.
#pragma once

#include <napi.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "syscall_error.h"

namespace emp {

struct LinkFacts {
  int index = 0;
  int mtu = 0;
  int flags = 0;         // IFF_UP, IFF_RUNNING ... of <net/if.h>
  int hardwareType = 0;  // ARPHRD_ETHER ... of <net/if_arp.h>
  uint8_t address[6] = {};

  static LinkFacts Read(int fd, const std::string& name) {
    LinkFacts facts;
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    auto ask = [&](unsigned long what, const char* step) {
      if (ioctl(fd, what, &request) != 0) throw SyscallError(step);
    };
    ask(SIOCGIFINDEX, "find interface");
    facts.index = request.ifr_ifindex;
    ask(SIOCGIFMTU, "read MTU");
    facts.mtu = request.ifr_mtu;
    ask(SIOCGIFFLAGS, "read interface flags");
    facts.flags = static_cast<uint16_t>(request.ifr_flags);
    ask(SIOCGIFHWADDR, "read interface address");
    facts.hardwareType = request.ifr_hwaddr.sa_family;
    std::memcpy(facts.address, request.ifr_hwaddr.sa_data, sizeof facts.address);
    return facts;
  }

  Napi::Object ToJs(Napi::Env env) const {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", address[0], address[1], address[2], address[3],
                  address[4], address[5]);
    Napi::Object object = Napi::Object::New(env);
    object.Set("index", index);
    object.Set("mtu", mtu);
    object.Set("up", (flags & IFF_UP) != 0);
    object.Set("running", (flags & IFF_RUNNING) != 0);
    object.Set("hardwareType", hardwareType);
    object.Set("address", text);
    return object;
  }
};

}  // namespace emp
