#include "netlink.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstdio>

#include "syscall_error.h"

namespace emp {

namespace {

// The kernel never makes a message of a dump longer than this.
constexpr size_t kReceiveBuffer = 32768;

std::string HardwareAddress(const NetlinkAttribute& attribute) {
  std::string text;
  char octet[4];
  for (size_t i = 0; i < attribute.size(); i++) {
    std::snprintf(octet, sizeof octet, i == 0 ? "%02x" : ":%02x", attribute.data()[i]);
    text += octet;
  }
  return text;
}

void ParseLinkInfo(const NetlinkAttribute& info, Link& link) {
  ForEachAttribute(info.data(), info.size(), [&](const NetlinkAttribute& attribute) {
    if (attribute.type() == IFLA_INFO_KIND) link.kind = attribute.Text();
  });
}

void ParseXdp(const NetlinkAttribute& xdp, Link& link) {
  ForEachAttribute(xdp.data(), xdp.size(), [&](const NetlinkAttribute& attribute) {
    if (attribute.type() == IFLA_XDP_DRV_PROG_ID) link.xdpNative = attribute.As<uint32_t>();
    if (attribute.type() == IFLA_XDP_SKB_PROG_ID) link.xdpGeneric = attribute.As<uint32_t>();
    if (attribute.type() == IFLA_XDP_HW_PROG_ID) link.xdpOffload = attribute.As<uint32_t>();
  });
}

void ParseLinkAttribute(const NetlinkAttribute& attribute, Link& link) {
  switch (attribute.type()) {
    case IFLA_IFNAME:
      link.name = attribute.Text();
      break;
    case IFLA_ADDRESS:
      link.address = HardwareAddress(attribute);
      break;
    case IFLA_MTU:
      link.mtu = attribute.As<uint32_t>();
      break;
    case IFLA_OPERSTATE:
      link.operstate = attribute.As<uint8_t>();
      break;
    case IFLA_NUM_TX_QUEUES:
      link.txQueues = attribute.As<uint32_t>();
      break;
    case IFLA_NUM_RX_QUEUES:
      link.rxQueues = attribute.As<uint32_t>();
      break;
    case IFLA_LINKINFO:
      ParseLinkInfo(attribute, link);
      break;
    case IFLA_XDP:
      ParseXdp(attribute, link);
      break;
    default:
      break;
  }
}

}  // namespace

NetlinkSocket::NetlinkSocket(int protocol, uint32_t groups, int flags)
    : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, protocol)) {
  if (!fd_) throw SyscallError("socket(AF_NETLINK)");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (bind(fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw SyscallError("bind(AF_NETLINK)");
}

void NetlinkSocket::Request(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& each) {
  request->nlmsg_seq = ++sequence_;
  // Not every family sets NLM_F_MULTI on the messages of a dump: what was asked says how the answer ends.
  const bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  if (send(fd(), request, request->nlmsg_len, 0) < 0) throw SyscallError("send(AF_NETLINK)");
  std::vector<uint8_t> buffer(kReceiveBuffer);
  for (;;) {
    const ssize_t got = recv(fd(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SyscallError("recv(AF_NETLINK)");
    int left = static_cast<int>(got);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_seq != sequence_) continue;
      if (message->nlmsg_type == NLMSG_DONE) return;
      if (message->nlmsg_type == NLMSG_ERROR) {
        const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
        if (error != 0) throw SyscallError("netlink request", error);
        return;
      }
      each(message);
      if (!dump) return;
    }
  }
}

bool ParseLink(const nlmsghdr* message, Link& link) {
  if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) return false;
  const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  if (info->ifi_family != AF_UNSPEC) return false;
  link.index = info->ifi_index;
  link.removed = message->nlmsg_type == RTM_DELLINK;
  link.hardwareType = info->ifi_type;
  link.flags = info->ifi_flags;
  bool wireless = false;
  const size_t offset = NLMSG_SPACE(sizeof(ifinfomsg));
  if (message->nlmsg_len > offset) {
    ForEachAttribute(reinterpret_cast<const uint8_t*>(message) + offset, message->nlmsg_len - offset,
                     [&](const NetlinkAttribute& attribute) {
                       if (attribute.type() == IFLA_WIRELESS) wireless = true;
                       ParseLinkAttribute(attribute, link);
                     });
  }
  return !wireless;
}

std::vector<Link> DumpLinks(NetlinkSocket& socket) {
  struct {
    nlmsghdr header;
    ifinfomsg info;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  std::vector<Link> links;
  socket.Request(&request.header, [&](const nlmsghdr* message) {
    Link link;
    if (ParseLink(message, link)) links.push_back(std::move(link));
  });
  return links;
}

Napi::Object Link::ToJs(Napi::Env env) const {
  Napi::Object object = Napi::Object::New(env);
  object.Set("index", index);
  object.Set("removed", removed);
  object.Set("hardwareType", hardwareType);
  object.Set("flags", flags);
  object.Set("name", name);
  object.Set("address", address);
  object.Set("kind", kind);
  object.Set("mtu", mtu);
  object.Set("operstate", operstate);
  object.Set("txQueues", txQueues);
  object.Set("rxQueues", rxQueues);
  object.Set("xdpNative", xdpNative);
  object.Set("xdpGeneric", xdpGeneric);
  object.Set("xdpOffload", xdpOffload);
  return object;
}

}  // namespace emp
