// A one-shot list of links. Facts come from three places: rtnetlink (the link itself), the ethtool ioctl (driver,
// channels, speed; many virtual devices answer only some) and the generic netlink family `netdev` (XDP features, Linux 6.3).
#include "link_list.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <map>
#include <optional>

#include "namespace_scope.h"
#include "netlink.h"
#include "syscall_error.h"

namespace emp {

namespace {

// linux/netdev.h of Linux 6.3; older headers lack the file.
constexpr uint8_t kNetdevCmdDevGet = 1;
constexpr int kNetdevAttrIfindex = 1;
constexpr int kNetdevAttrXdpFeatures = 3;
constexpr int kNetdevAttrXdpZcMaxSegments = 4;

struct XdpFeatures {
  uint64_t bits = 0;
  uint32_t zcMaxSegments = 0;
};

struct GenericRequest {
  nlmsghdr header;
  genlmsghdr generic;
  uint8_t attributes[32];
};

GenericRequest MakeGenericRequest(uint16_t family, uint8_t command, uint16_t flags) {
  GenericRequest request{};
  request.header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
  request.header.nlmsg_type = family;
  request.header.nlmsg_flags = NLM_F_REQUEST | flags;
  request.generic.cmd = command;
  request.generic.version = 1;
  return request;
}

template <typename Each>
void ForEachGenericAttribute(const nlmsghdr* message, Each each) {
  const size_t offset = NLMSG_SPACE(GENL_HDRLEN);
  if (message->nlmsg_len <= offset) return;
  ForEachAttribute(reinterpret_cast<const uint8_t*>(message) + offset, message->nlmsg_len - offset, each);
}

uint16_t ResolveFamily(NetlinkSocket& socket, const char* name) {
  GenericRequest request = MakeGenericRequest(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
  auto* attribute = reinterpret_cast<nlattr*>(request.attributes);
  attribute->nla_type = CTRL_ATTR_FAMILY_NAME;
  attribute->nla_len = static_cast<uint16_t>(NLA_HDRLEN + std::strlen(name) + 1);
  std::strcpy(reinterpret_cast<char*>(request.attributes) + NLA_HDRLEN, name);
  request.header.nlmsg_len += NLA_ALIGN(attribute->nla_len);
  uint16_t family = 0;
  socket.Request(&request.header, [&](const nlmsghdr* message) {
    ForEachGenericAttribute(message, [&](const NetlinkAttribute& a) {
      if (a.type() == CTRL_ATTR_FAMILY_ID) family = a.As<uint16_t>();
    });
  });
  return family;
}

// By interface index; empty on kernels without the family.
std::map<int, XdpFeatures> DumpXdpFeatures() {
  std::map<int, XdpFeatures> features;
  try {
    NetlinkSocket socket(NETLINK_GENERIC, 0, 0);
    GenericRequest request = MakeGenericRequest(ResolveFamily(socket, "netdev"), kNetdevCmdDevGet, NLM_F_DUMP);
    socket.Request(&request.header, [&](const nlmsghdr* message) {
      int index = 0;
      XdpFeatures found;
      ForEachGenericAttribute(message, [&](const NetlinkAttribute& a) {
        if (a.type() == kNetdevAttrIfindex) index = a.As<int>();
        if (a.type() == kNetdevAttrXdpFeatures) found.bits = a.As<uint64_t>();
        if (a.type() == kNetdevAttrXdpZcMaxSegments) found.zcMaxSegments = a.As<uint32_t>();
      });
      features[index] = found;
    });
  } catch (const SyscallError&) {
    features.clear();
  }
  return features;
}

class Ethtool {
 public:
  Ethtool() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (!fd_) throw SyscallError("socket(AF_INET)");
  }

  bool Query(const std::string& name, void* command) const {
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    request.ifr_data = static_cast<char*>(command);
    return ioctl(fd_.get(), SIOCETHTOOL, &request) == 0;
  }

  std::string Driver(const std::string& name) const {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    return Query(name, &info) ? std::string(info.driver, strnlen(info.driver, sizeof info.driver)) : "";
  }

  std::optional<ethtool_channels> Channels(const std::string& name) const {
    ethtool_channels channels{};
    channels.cmd = ETHTOOL_GCHANNELS;
    if (!Query(name, &channels)) return std::nullopt;
    return channels;
  }

  // Mbit/s; 0 if unknown.
  uint32_t Speed(const std::string& name) const {
    // The kernel first tells how many words its link mode masks have (as a negative number), then wants to be asked again.
    alignas(ethtool_link_settings) uint8_t memory[sizeof(ethtool_link_settings) + 3 * 127 * sizeof(uint32_t)]{};
    auto* settings = reinterpret_cast<ethtool_link_settings*>(memory);
    settings->cmd = ETHTOOL_GLINKSETTINGS;
    if (!Query(name, settings) || settings->link_mode_masks_nwords >= 0) return 0;
    const auto words = static_cast<int8_t>(-settings->link_mode_masks_nwords);
    std::memset(memory, 0, sizeof memory);
    settings->cmd = ETHTOOL_GLINKSETTINGS;
    settings->link_mode_masks_nwords = words;
    if (!Query(name, settings) || settings->speed == static_cast<uint32_t>(SPEED_UNKNOWN)) return 0;
    return settings->speed;
  }

 private:
  UniqueFd fd_;
};

// IP addresses by interface name.
std::map<std::string, std::vector<std::string>> DumpAddresses() {
  std::map<std::string, std::vector<std::string>> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) throw SyscallError("getifaddrs");
  for (ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    char text[INET6_ADDRSTRLEN];
    const void* raw = nullptr;
    if (entry->ifa_addr->sa_family == AF_INET) raw = &reinterpret_cast<sockaddr_in*>(entry->ifa_addr)->sin_addr;
    if (entry->ifa_addr->sa_family == AF_INET6) raw = &reinterpret_cast<sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
    if (raw == nullptr) continue;
    if (inet_ntop(entry->ifa_addr->sa_family, raw, text, sizeof text) != nullptr)
      addresses[entry->ifa_name].push_back(text);
  }
  freeifaddrs(list);
  return addresses;
}

Napi::Array TextsToJs(Napi::Env env, const std::vector<std::string>& texts) {
  Napi::Array array = Napi::Array::New(env, texts.size());
  for (uint32_t i = 0; i < texts.size(); i++) array.Set(i, texts[i]);
  return array;
}

Napi::Object ChannelsToJs(Napi::Env env, const ethtool_channels& channels) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("rx", channels.rx_count);
  object.Set("tx", channels.tx_count);
  object.Set("combined", channels.combined_count);
  return object;
}

Napi::Array DescribeLinks(Napi::Env env) {
  NetlinkSocket socket(NETLINK_ROUTE, 0, 0);
  const std::vector<Link> links = DumpLinks(socket);
  const auto features = DumpXdpFeatures();
  auto addresses = DumpAddresses();
  const Ethtool ethtool;
  Napi::Array result = Napi::Array::New(env, links.size());
  for (uint32_t i = 0; i < links.size(); i++) {
    const Link& link = links[i];
    Napi::Object object = link.ToJs(env);
    object.Set("driver", ethtool.Driver(link.name));
    object.Set("speed", ethtool.Speed(link.name));
    object.Set("addresses", TextsToJs(env, addresses[link.name]));
    const auto channels = ethtool.Channels(link.name);
    if (channels) object.Set("channels", ChannelsToJs(env, *channels));
    const auto found = features.find(link.index);
    if (found != features.end()) {
      // The features are a set of seven bits so far: a double holds them.
      object.Set("xdpFeatures", static_cast<double>(found->second.bits));
      object.Set("xdpZcMaxSegments", found->second.zcMaxSegments);
    }
    result.Set(i, object);
  }
  return result;
}

}  // namespace

Napi::Value ListLinks(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&] {
    const NamespaceScope scope(info[0].As<Napi::String>().Utf8Value());
    return DescribeLinks(info.Env());
  });
}

}  // namespace emp
