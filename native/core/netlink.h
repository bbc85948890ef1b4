// The little of netlink that this package needs: requests answered by many messages, and what a link message says.
#pragma once

#include <linux/netlink.h>
#include <napi.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "unique_fd.h"

namespace emp {

// One attribute (the layout that rtattr and nlattr share).
class NetlinkAttribute {
 public:
  explicit NetlinkAttribute(const nlattr* attribute) : attribute_(attribute) {}

  int type() const { return attribute_->nla_type & NLA_TYPE_MASK; }
  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(attribute_) + NLA_HDRLEN; }
  size_t size() const { return attribute_->nla_len - NLA_HDRLEN; }

  // The value as a number of the attribute's own width; a field shorter than `T` leaves the rest zero.
  template <typename T>
  T As() const {
    T value = 0;
    std::memcpy(&value, data(), size() < sizeof(T) ? size() : sizeof(T));
    return value;
  }
  std::string Text() const {
    const char* text = reinterpret_cast<const char*>(data());
    return std::string(text, strnlen(text, size()));
  }

 private:
  const nlattr* attribute_;
};

// Calls `each(attribute)` for every well-formed attribute of [data, data + length).
template <typename Each>
void ForEachAttribute(const uint8_t* data, size_t length, Each each) {
  while (length >= NLA_HDRLEN) {
    const auto* attribute = reinterpret_cast<const nlattr*>(data);
    if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > length) return;
    each(NetlinkAttribute(attribute));
    const size_t step = NLA_ALIGN(attribute->nla_len);
    if (step >= length) return;
    data += step;
    length -= step;
  }
}

class NetlinkSocket {
 public:
  // Opens in the calling thread's network namespace. `groups`: multicast groups to join, 0 for requests only.
  NetlinkSocket(int protocol, uint32_t groups, int flags);

  int fd() const { return fd_.get(); }

  // Sends one request (a whole message, header included) and calls `each` for every answer but the closing one.
  void Request(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& each);

 private:
  UniqueFd fd_;
  uint32_t sequence_ = 0;
};

// What the kernel says of a link, in a dump or in an event.
struct Link {
  int index = 0;
  bool removed = false;
  int hardwareType = 0;
  uint32_t flags = 0;
  std::string name;
  std::string address;  // aa:bb:cc:dd:ee:ff, empty if the link has none
  std::string kind;     // veth, bridge, ...; empty for a physical device
  uint32_t mtu = 0;
  int operstate = 0;
  uint32_t txQueues = 0;
  uint32_t rxQueues = 0;
  // Ids of the XDP programs attached, 0 for none.
  uint32_t xdpNative = 0;
  uint32_t xdpGeneric = 0;
  uint32_t xdpOffload = 0;

  Napi::Object ToJs(Napi::Env env) const;
};

// False for a message that is not about a link as such (of a bridge's port, of a radio's scan).
bool ParseLink(const nlmsghdr* message, Link& link);

// All links of the network namespace that the socket (of NETLINK_ROUTE) was opened in.
std::vector<Link> DumpLinks(NetlinkSocket& socket);

}  // namespace emp
