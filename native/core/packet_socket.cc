#include "packet_socket.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <system_error>

#include "accessors.h"
#include "arguments.h"
#include "namespace_scope.h"

namespace emp {
namespace {

constexpr int kSendBuffer = 16 << 20;
constexpr size_t kBlock = 64 << 10;

UniqueFd OpenSocket() {
  // Protocol 0: it receives nothing before it is bound, so no other interface's frames can get into the ring.
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw SyscallError("socket");
  return fd;
}

void Set(int fd, int option, int value, const char* step) {
  if (setsockopt(fd, SOL_PACKET, option, &value, sizeof value) != 0) throw SyscallError(step);
}

// Slots lie one after the other across blocks: a block is a whole number of slots, and the ring a whole number of blocks.
void SetRing(int fd, int option, size_t slots, size_t slotSize, const char* step) {
  size_t block = std::min(std::max(kBlock, slotSize), slots * slotSize);
  tpacket_req request{};
  request.tp_block_size = block;
  request.tp_block_nr = slots * slotSize / block;
  request.tp_frame_size = slotSize;
  request.tp_frame_nr = slots;
  if (setsockopt(fd, SOL_PACKET, option, &request, sizeof request) != 0) throw SyscallError(step);
}

void MapOver(uint8_t* at, size_t length, int fd, const char* step) {
  void* ring = mmap(at, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  if (ring == MAP_FAILED) throw SyscallError(step);
}

void Bind(int fd, int interface, uint16_t protocol) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = interface;
  address.sll_protocol = htons(protocol);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw SyscallError("bind");
}

// To make or free a ring, the kernel waits until no CPU can be using it (an RCU grace period, up to 16 ms): both sockets wait at once.
template <typename First, typename Second>
void Together(First first, Second second) {
  std::future<void> other;
  try {
    other = std::async(std::launch::async, second);
  } catch (const std::system_error&) {  // no thread to be had
    first();
    second();
    return;
  }
  first();  // if it throws, `other` is waited for all the same
  other.get();
}

}  // namespace

void PacketSocket::Define(Napi::Env env, Napi::Object exports) {
  const Napi::Function made =
      DefineClass(env, "PacketSocket",
                  {InstanceMethod<&PacketSocket::Open>("open"), InstanceMethod<&PacketSocket::Drops>("drops"),
                   InstanceMethod<&PacketSocket::TakeError>("takeError"), InstanceMethod<&PacketSocket::Close>("close"),
                   InstanceMethod<&PacketSocket::Fd>("fd", napi_configurable),
                   InstanceMethod<&PacketSocket::Bell>("bell", napi_configurable),
                   InstanceMethod<&PacketSocket::Link>("link", napi_configurable)});
  exports.Set("PacketSocket", ReadBy(made, {"fd", "bell", "link"}));
}

PacketSocket::PacketSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PacketSocket>(info) {
  Guarded(info.Env(), [&] {
    NamespaceScope scope(info[0].As<Napi::String>().Utf8Value());
    rx_ = OpenSocket();
    tx_ = OpenSocket();
    link_ = LinkFacts::Read(rx_.get(), info[1].As<Napi::String>().Utf8Value());
  });
  end_.Await(
      info.Env(),
      [](void* data) {
        auto* self = static_cast<PacketSocket*>(data);
        Napi::HandleScope scope(self->Env());
        self->Release();
      },
      this);
}

void PacketSocket::Finalize(Napi::Env) { Release(); }

// open(etherType, slotSize, rxSlots, txSlots, poolBytes): all memory as one ArrayBuffer, rings live.
Napi::Value PacketSocket::Open(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const uint32_t etherType = info[0].As<Napi::Number>().Uint32Value();
    const size_t slotSize = SizeArgument(info, 1), rxSlots = SizeArgument(info, 2), txSlots = SizeArgument(info, 3);
    const size_t poolBytes = SizeArgument(info, 4), rxBytes = rxSlots * slotSize, txBytes = txSlots * slotSize;
    if (rxBytes > kMostBytes || txBytes > kMostBytes) throw SyscallError("argument", EINVAL);
    if (memory_.base() != nullptr) throw SyscallError("open", EALREADY);
    Set(rx_.get(), PACKET_VERSION, TPACKET_V2, "PACKET_VERSION");
    Set(tx_.get(), PACKET_VERSION, TPACKET_V2, "PACKET_VERSION");
    Set(rx_.get(), PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
    Set(tx_.get(), PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS");
    // A frame the kernel finds malformed is skipped: it must not block those behind it.
    Set(tx_.get(), PACKET_LOSS, 1, "PACKET_LOSS");
    Set(tx_.get(), PACKET_TX_HAS_OFF, 1, "PACKET_TX_HAS_OFF");
    Set(tx_.get(), PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
    if (setsockopt(tx_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer) != 0) {
      setsockopt(tx_.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    }
    Together([&] { SetRing(rx_.get(), PACKET_RX_RING, rxSlots, slotSize, "PACKET_RX_RING"); },
             [&] { SetRing(tx_.get(), PACKET_TX_RING, txSlots, slotSize, "PACKET_TX_RING"); });
    memory_ = Mapping::Map(rxBytes + txBytes + poolBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, "mmap frames");
    MapOver(memory_.base(), rxBytes, rx_.get(), "mmap receive ring");
    MapOver(memory_.base() + rxBytes, txBytes, tx_.get(), "mmap transmit ring");
    Bind(tx_.get(), link_.index, 0);
    Bind(rx_.get(), link_.index, static_cast<uint16_t>(etherType));
    return view_.Expose(info.Env(), memory_.base(), memory_.length());
  });
}

// Frames lost because the receive ring was full, since the last call.
Napi::Value PacketSocket::Drops(const Napi::CallbackInfo& info) {
  tpacket_stats stats{};
  socklen_t length = sizeof stats;
  getsockopt(rx_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &length);
  return Napi::Number::New(info.Env(), stats.tp_drops);
}

// The socket's pending error (ENETDOWN when the interface went down), which it forgets: until then it polls as ready.
Napi::Value PacketSocket::TakeError(const Napi::CallbackInfo& info) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(rx_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  return Napi::Number::New(info.Env(), error);
}

Napi::Value PacketSocket::Fd(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), rx_.get()); }

// The descriptor that `kick` takes.
Napi::Value PacketSocket::Bell(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), tx_.get()); }

Napi::Value PacketSocket::Link(const Napi::CallbackInfo& info) { return link_.ToJs(info.Env()); }

void PacketSocket::Close(const Napi::CallbackInfo&) { Release(); }

void PacketSocket::Release() {
  end_.Forget();
  view_.Detach();
  memory_.Unmap();
  if (rx_ && tx_) Together([&] { rx_.reset(); }, [&] { tx_.reset(); });
}

}  // namespace emp
