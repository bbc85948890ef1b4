#include "udp_socket.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>

#include "accessors.h"
#include "arguments.h"
#include "namespace_scope.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace emp {

namespace {

// A burst of a large window must fit, while the peer's program does something else.
constexpr int kSocketBuffer = 8 << 20;

UdpAddress ParseAddress(const std::string& ip, int port, uint32_t scope) {
  UdpAddress address{};
  if (inet_pton(AF_INET, ip.c_str(), &address.v4.sin_addr) == 1) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(static_cast<uint16_t>(port));
    return address;
  }
  address = {};
  if (inet_pton(AF_INET6, ip.c_str(), &address.v6.sin6_addr) != 1) throw SyscallError("inet_pton", EINVAL);
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(static_cast<uint16_t>(port));
  address.v6.sin6_scope_id = scope;
  return address;
}

// ip, port, scope: the first three arguments from `at` on.
UdpAddress AddressArgument(const Napi::CallbackInfo& info, size_t at) {
  return ParseAddress(info[at].As<Napi::String>().Utf8Value(), info[at + 1].As<Napi::Number>().Int32Value(),
                      info[at + 2].As<Napi::Number>().Uint32Value());
}

bool SameHost(const UdpAddress& a, const sockaddr* other) {
  if (other == nullptr || other->sa_family != a.any.sa_family) return false;
  const auto* b = reinterpret_cast<const UdpAddress*>(other);
  if (a.any.sa_family == AF_INET) return a.v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
  return std::memcmp(&a.v6.sin6_addr, &b->v6.sin6_addr, sizeof a.v6.sin6_addr) == 0 &&
         (a.v6.sin6_scope_id == 0 || a.v6.sin6_scope_id == b->v6.sin6_scope_id);
}

Napi::Object AddressToJs(Napi::Env env, const UdpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  const bool v4 = address.any.sa_family == AF_INET;
  inet_ntop(address.any.sa_family, v4 ? static_cast<const void*>(&address.v4.sin_addr) : &address.v6.sin6_addr, text,
            sizeof text);
  Napi::Object object = Napi::Object::New(env);
  object.Set("ip", text);
  object.Set("port", ntohs(v4 ? address.v4.sin_port : address.v6.sin6_port));
  object.Set("scope", v4 ? 0 : address.v6.sin6_scope_id);
  return object;
}

}  // namespace

void UdpSocket::Define(Napi::Env env, Napi::Object exports) {
  const Napi::Function made =
      DefineClass(env, "UdpSocket",
                  {InstanceMethod<&UdpSocket::Descriptor>("fd", napi_configurable),
                   InstanceMethod<&UdpSocket::Local>("local", napi_configurable),
                   InstanceMethod<&UdpSocket::Interface>("interface", napi_configurable),
                   InstanceMethod<&UdpSocket::ReceiveBuffer>("receiveBuffer", napi_configurable),
                   InstanceMethod<&UdpSocket::Frames>("frames", napi_configurable),
                   InstanceMethod<&UdpSocket::Tables>("tables", napi_configurable),
                   InstanceMethod<&UdpSocket::EnableOffload>("enableOffload"), InstanceMethod<&UdpSocket::Open>("open"),
                   InstanceMethod<&UdpSocket::SetPeer>("setPeer"), InstanceMethod<&UdpSocket::Source>("source"),
                   InstanceMethod<&UdpSocket::Close>("close")});
  exports.Set("UdpSocket", ReadBy(made, {"fd", "local", "interface", "receiveBuffer", "frames", "tables"}));
}

// new UdpSocket(namespace, ip, port, scope): bound, but without memory; `open` gives it some.
UdpSocket::UdpSocket(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<UdpSocket>(info), paths_(UdpPaths::Of(info.Env())) {
  Guarded(info.Env(), [&] {
    const NamespaceScope scope(info[0].As<Napi::String>().Utf8Value());
    local_ = AddressArgument(info, 1);
    addressLength_ = local_.any.sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    fd_.reset(socket(local_.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_) throw SyscallError("socket");
    SetOptions();
    if (bind(fd_.get(), &local_.any, addressLength_) != 0) throw SyscallError("bind");
    socklen_t length = sizeof local_;
    if (getsockname(fd_.get(), &local_.any, &length) != 0) throw SyscallError("getsockname");
    FindInterface();
  });
}

void UdpSocket::SetOptions() {
  const auto set = [this](int level, int option, int value) {
    return setsockopt(fd_.get(), level, option, &value, sizeof value) == 0;
  };
  const auto require = [&](int level, int option, int value, const char* step) {
    if (!set(level, option, value)) throw SyscallError(step);
  };
  // Never fragmented, and never made smaller by an ICMP message that anybody could forge: what is too long for the interface is
  // EMSGSIZE, what is too long for the path is lost.
  if (local_.any.sa_family == AF_INET) {
    require(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, "IP_MTU_DISCOVER");
  } else {
    require(IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
    require(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE, "IPV6_MTU_DISCOVER");
    require(IPPROTO_IPV6, IPV6_DONTFRAG, 1, "IPV6_DONTFRAG");
  }
  require(SOL_SOCKET, SO_RXQ_OVFL, 1, "SO_RXQ_OVFL");
  // Beyond the limits of the system only with CAP_NET_ADMIN.
  if (!set(SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer)) set(SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
  if (!set(SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer)) set(SOL_SOCKET, SO_SNDBUF, kSocketBuffer);
}

// The interface that owns the local address; none for the any-address.
void UdpSocket::FindInterface() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) throw SyscallError("getifaddrs");
  for (const ifaddrs* entry = list; entry != nullptr && interfaceName_.empty(); entry = entry->ifa_next) {
    if (SameHost(local_, entry->ifa_addr)) interfaceName_ = entry->ifa_name;
  }
  freeifaddrs(list);
  if (interfaceName_.empty()) return;
  // An IPv4 address may carry a label (eth0:backup); the name of the interface ends before its colon.
  interfaceName_.resize(std::min(interfaceName_.find(':'), interfaceName_.size()));
  ifreq request{};
  std::strncpy(request.ifr_name, interfaceName_.c_str(), IFNAMSIZ - 1);
  if (ioctl(fd_.get(), SIOCGIFMTU, &request) != 0) throw SyscallError("read MTU");
  interfaceMtu_ = request.ifr_mtu;
  if (ioctl(fd_.get(), SIOCGIFINDEX, &request) != 0) throw SyscallError("find interface");
  interfaceIndex_ = request.ifr_ifindex;
}

Napi::Value UdpSocket::Descriptor(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), fd_.get()); }

Napi::Value UdpSocket::Local(const Napi::CallbackInfo& info) { return AddressToJs(info.Env(), local_); }

Napi::Value UdpSocket::Interface(const Napi::CallbackInfo& info) {
  if (interfaceName_.empty()) return info.Env().Undefined();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("name", interfaceName_);
  object.Set("index", interfaceIndex_);
  object.Set("mtu", interfaceMtu_);
  return object;
}

// Bytes obtained of those wanted, as one asks for them: the kernel doubles that number for its own use, and tells the double.
Napi::Value UdpSocket::ReceiveBuffer(const Napi::CallbackInfo& info) {
  int obtained = 0;
  socklen_t length = sizeof obtained;
  getsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &obtained, &length);
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("obtained", obtained / 2);
  object.Set("wanted", kSocketBuffer);
  return object;
}

// enableOffload(): what of it the kernel has.
Napi::Value UdpSocket::EnableOffload(const Napi::CallbackInfo& info) {
  const int off = 0;
  const int on = 1;
  gso_ = setsockopt(fd_.get(), SOL_UDP, UDP_SEGMENT, &off, sizeof off) == 0;
  // Only tried: the receiver switches it on when it pays.
  gro_ = setsockopt(fd_.get(), SOL_UDP, UDP_GRO, &on, sizeof on) == 0 &&
         setsockopt(fd_.get(), SOL_UDP, UDP_GRO, &off, sizeof off) == 0;
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("gso", gso_);
  object.Set("gro", gro_);
  return object;
}

// open(length, rxOffset, rxSize, rxCount, maxFrame): `length` bytes of frames, of which the receive buffers start at rxOffset.
// From now on `udpSend` and `udpReceive` know it.
void UdpSocket::Open(const Napi::CallbackInfo& info) {
  UdpReceiver::Buffers buffers{};
  size_t maxFrame = 0;
  Guarded(info.Env(), [&] {
    const size_t length = SizeArgument(info, 0);
    buffers = {SizeArgument(info, 1, 0), SizeArgument(info, 2), SizeArgument(info, 3)};
    maxFrame = SizeArgument(info, 4);
    if (buffers.offset + buffers.size * buffers.count > length) throw SyscallError("argument", EINVAL);
    if (path_ || !fd_) throw SyscallError("open", path_ ? EALREADY : EBADF);
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
    frames_ = Mapping::Map(length, PROT_READ | PROT_WRITE, kFlags, -1, 0, "mmap frames");
    tables_ = Mapping::Map(UdpTables::kBytes, PROT_READ | PROT_WRITE, kFlags, -1, 0, "mmap tables");
  });
  framesView_.Expose(info.Env(), frames_.base(), frames_.length());
  tablesView_.Expose(info.Env(), tables_.base(), tables_.length());
  const UdpTables tables(tables_.base());
  path_.reset(new UdpPath{UdpSender(fd_.get(), addressLength_, gso_, frames_.base(), frames_.length(), tables),
                          UdpReceiver(fd_.get(), gro_, frames_.base(), buffers, maxFrame, tables)});
  paths_->Set(fd_.get(), path_.get());
  end_.Await(
      info.Env(),
      [](void* self) {
        Napi::HandleScope scope(static_cast<UdpSocket*>(self)->Env());
        static_cast<UdpSocket*>(self)->Release();
      },
      this);
}

Napi::Value UdpSocket::Frames(const Napi::CallbackInfo&) { return framesView_.Buffer(); }

Napi::Value UdpSocket::Tables(const Napi::CallbackInfo&) { return tablesView_.Buffer(); }

// setPeer(index, ip, port, scope)
void UdpSocket::SetPeer(const Napi::CallbackInfo& info) {
  if (!path_) return;
  Guarded(info.Env(), [&] {
    const uint32_t index = info[0].As<Napi::Number>().Uint32Value();
    if (!path_->sender.SetPeer(index, AddressArgument(info, 1))) throw SyscallError("argument", EINVAL);
  });
}

// source(datagram)
Napi::Value UdpSocket::Source(const Napi::CallbackInfo& info) {
  const uint32_t datagram = info[0].As<Napi::Number>().Uint32Value();
  const UdpAddress* source = path_ ? path_->receiver.Source(datagram) : nullptr;
  return source != nullptr ? AddressToJs(info.Env(), *source) : info.Env().Undefined();
}

void UdpSocket::Close(const Napi::CallbackInfo&) { Release(); }

void UdpSocket::Finalize(Napi::Env) { Release(); }

void UdpSocket::Release() {
  end_.Forget();
  if (path_) paths_->Remove(fd_.get());
  path_.reset();
  fd_.reset();
  framesView_.Detach();
  tablesView_.Detach();
  frames_.Unmap();
  tables_.Unmap();
}

}  // namespace emp
