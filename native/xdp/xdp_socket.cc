#include "xdp_socket.h"

#include <arpa/inet.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "accessors.h"
#include "arguments.h"
#include "libbpf_log.h"
#include "namespace_scope.h"

namespace emp {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// A closed socket gives back its queue and its locked memory only after an RCU grace period and a turn of a work queue: some tens of
// milliseconds after close has returned. Whoever opens the next one waits for it here.
constexpr int kAttempts = 300;
constexpr useconds_t kPause = 1000;  // microseconds

uint32_t Number(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

// Runs `body`; errors go to JavaScript with what libbpf said as `detail`.
template <typename Body>
auto Explained(Napi::Env env, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const AttachError& e) {
    Napi::Error error = e.ToJs(env);
    error.Value().Set("detail", e.detail());
    throw error;
  } catch (const SyscallError& e) {
    throw e.ToJs(env);
  }
}

uint64_t LockedMemoryLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  return limit.rlim_cur;
}

// Calls again while it fails with `pending`, unless waiting is hopeless.
template <typename Call, typename Hopeless>
int WhilePending(int pending, Call call, Hopeless hopeless) {
  int result = call();
  for (int attempt = 0; result != 0 && errno == pending && attempt < kAttempts; attempt++) {
    if (hopeless()) {
      errno = pending;
      break;
    }
    usleep(kPause);
    result = call();
  }
  return result;
}

}  // namespace

void XdpSocket::Define(Napi::Env env, Napi::Object exports) {
  const Napi::Function made = DefineClass(
      env, "XdpSocket",
      {InstanceMethod<&XdpSocket::Memory>("memory"), InstanceMethod<&XdpSocket::Rings>("rings"),
       InstanceMethod<&XdpSocket::Bind>("bind"), InstanceMethod<&XdpSocket::Attach>("attach"),
       InstanceMethod<&XdpSocket::BusyPoll>("busyPoll"), InstanceMethod<&XdpSocket::Statistics>("statistics"),
       InstanceMethod<&XdpSocket::Close>("close"), InstanceMethod<&XdpSocket::Descriptor>("fd", napi_configurable),
       InstanceMethod<&XdpSocket::ZeroCopy>("zeroCopy", napi_configurable)});
  exports.Set("XdpSocket", ReadBy(made, {"fd", "zeroCopy"}));
}

// new XdpSocket(namespace, interfaceIndex, queue)
XdpSocket::XdpSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<XdpSocket>(info) {
  Napi::Env env = info.Env();
  namespace_ = info[0].As<Napi::String>();
  queue_ = Number(info[2]);
  Explained(env, [&] {
    NamespaceScope scope(namespace_);
    interface_ = {CurrentNamespace(), Number(info[1])};
    socket_.reset(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!socket_) throw SyscallError("socket");
  });
  end_.Await(
      env,
      [](void* self) {
        Napi::HandleScope scope(static_cast<XdpSocket*>(self)->Env());
        static_cast<XdpSocket*>(self)->Release();
      },
      this);
}

XdpSocket::~XdpSocket() = default;

void XdpSocket::Finalize(Napi::Env) { Release(); }

// memory(bytes, registered, chunk, headroom, hugePages) -> ArrayBuffer. The kernel gets the first `registered` bytes; what follows is
// ours alone.
Napi::Value XdpSocket::Memory(const Napi::CallbackInfo& info) {
  Explained(info.Env(), [&] {
    size_t bytes = SizeArgument(info, 0);
    const size_t registered = SizeArgument(info, 1);
    const uint32_t chunk = Number(info[2]), headroom = Number(info[3]);
    const bool huge = info[4].As<Napi::Boolean>();
    // The kernel would take what lies behind our memory for frames.
    if (registered > bytes) throw SyscallError("argument", EINVAL);
    if (memory_.base() != nullptr) throw SyscallError("memory", EALREADY);
    if (huge) bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | (huge ? MAP_HUGETLB | MAP_HUGE_2MB : 0);
    memory_ = Mapping::Map(bytes, PROT_READ | PROT_WRITE, flags, -1, 0, "mmap");
    xdp_umem_reg area = {};
    area.addr = reinterpret_cast<uintptr_t>(memory_.base());
    area.len = registered;
    area.chunk_size = chunk;
    area.headroom = headroom;
    int result = WhilePending(
        ENOBUFS, [&] { return setsockopt(socket_.get(), SOL_XDP, XDP_UMEM_REG, &area, sizeof area); },
        [&] { return area.len > LockedMemoryLimit(); });
    if (result == 0) return;
    SyscallError error("XDP_UMEM_REG");
    memory_.Unmap();
    throw error;
  });
  return memory_view_.Expose(info.Env(), memory_.base(), memory_.length());
}

// rings(fill, completion, rx, tx) -> four objects, in that order
Napi::Value XdpSocket::Rings(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return Explained(env, [&]() -> Napi::Value {
    constexpr int kOptions[] = {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING};
    size_t entries[4];
    for (int i = 0; i < 4; i++) {
      // The kernel would really make room for thousands of millions.
      const auto count = static_cast<uint32_t>(SizeArgument(info, i));
      entries[i] = count;
      SetOption(kOptions[i], &count, sizeof count, "ring size");
    }
    // Copy mode carries this many frames in one sendto, where the kernel can be told; and the frames on the way in a real
    // device must not run into the socket's send buffer limit, which was made for streams.
    auto budget = static_cast<uint32_t>(entries[3]);
    setsockopt(socket_.get(), SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof budget);
    int send_buffer = 1 << 24;
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &send_buffer, sizeof send_buffer);

    xdp_mmap_offsets offsets = {};
    socklen_t length = sizeof offsets;
    if (getsockopt(socket_.get(), SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length) != 0)
      throw SyscallError("XDP_MMAP_OFFSETS");
    Napi::Array rings = Napi::Array::New(env, 4);
    rings[0u] = MapRing(env, 0, XDP_UMEM_PGOFF_FILL_RING, offsets.fr, entries[0] * sizeof(uint64_t));
    rings[1u] = MapRing(env, 1, XDP_UMEM_PGOFF_COMPLETION_RING, offsets.cr, entries[1] * sizeof(uint64_t));
    rings[2u] = MapRing(env, 2, XDP_PGOFF_RX_RING, offsets.rx, entries[2] * sizeof(xdp_desc));
    rings[3u] = MapRing(env, 3, XDP_PGOFF_TX_RING, offsets.tx, entries[3] * sizeof(xdp_desc));
    return rings;
  });
}

Napi::Object XdpSocket::MapRing(Napi::Env env, int ring, off_t page, const xdp_ring_offset& offset, size_t bytes) {
  rings_[ring] = Mapping::Map(offset.desc + bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket_.get(),
                              page, "mmap ring");
  Napi::Object object = Napi::Object::New(env);
  object.Set("buffer", ring_views_[ring].Expose(env, rings_[ring].base(), rings_[ring].length()));
  object.Set("producer", static_cast<double>(offset.producer));
  object.Set("consumer", static_cast<double>(offset.consumer));
  object.Set("flags", static_cast<double>(offset.flags));
  object.Set("entries", static_cast<double>(offset.desc));
  return object;
}

// bind(flags)
void XdpSocket::Bind(const Napi::CallbackInfo& info) {
  Explained(info.Env(), [&] {
    sockaddr_xdp address = {};
    address.sxdp_family = AF_XDP;
    address.sxdp_flags = static_cast<uint16_t>(Number(info[0]));
    address.sxdp_ifindex = interface_.second;
    address.sxdp_queue_id = queue_;
    int result = WhilePending(
        EBUSY, [&] { return bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address); },
        [&] { return Attachment::InUse(interface_, queue_); });
    if (result != 0) throw SyscallError("bind");
  });
}

// attach(object: Uint8Array, etherType, generic) -> whether another process had attached the program
Napi::Value XdpSocket::Attach(const Napi::CallbackInfo& info) {
  auto object = info[0].As<Napi::Uint8Array>();
  ProgramSource source = {object.Data(), object.ByteLength(), htons(static_cast<uint16_t>(Number(info[1]))),
                          info[2].As<Napi::Boolean>()};
  Explained(info.Env(), [&] {
    NamespaceScope scope(namespace_);
    LibbpfLog::Take();
    std::shared_ptr<Attachment> attachment = Attachment::Acquire(interface_, source);
    attachment->Insert(queue_, socket_.get());
    attachment_ = std::move(attachment);
  });
  return Napi::Boolean::New(info.Env(), attachment_->joined());
}

// busyPoll(microseconds, budget)
void XdpSocket::BusyPoll(const Napi::CallbackInfo& info) {
  Explained(info.Env(), [&] {
    int on = 1;
    int microseconds = info[0].As<Napi::Number>();
    int budget = info[1].As<Napi::Number>();
    auto set = [&](int option, int& value, const char* step) {
      if (setsockopt(socket_.get(), SOL_SOCKET, option, &value, sizeof value) != 0) throw SyscallError(step);
    };
    set(SO_PREFER_BUSY_POLL, on, "SO_PREFER_BUSY_POLL");
    set(SO_BUSY_POLL, microseconds, "SO_BUSY_POLL");
    set(SO_BUSY_POLL_BUDGET, budget, "SO_BUSY_POLL_BUDGET");
  });
}

Napi::Value XdpSocket::Descriptor(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), socket_.get());
}

Napi::Value XdpSocket::ZeroCopy(const Napi::CallbackInfo& info) {
  xdp_options options = {};
  socklen_t length = sizeof options;
  bool known = getsockopt(socket_.get(), SOL_XDP, XDP_OPTIONS, &options, &length) == 0;
  return Napi::Boolean::New(info.Env(), known && (options.flags & XDP_OPTIONS_ZEROCOPY) != 0);
}

// Frames lost on receive since the socket was opened. An empty fill ring is in rx_dropped already.
Napi::Value XdpSocket::Statistics(const Napi::CallbackInfo& info) {
  xdp_statistics statistics = {};
  socklen_t length = sizeof statistics;
  getsockopt(socket_.get(), SOL_XDP, XDP_STATISTICS, &statistics, &length);
  Napi::Object lost = Napi::Object::New(info.Env());
  lost.Set("dropped", static_cast<double>(statistics.rx_dropped));
  lost.Set("ringFull", static_cast<double>(statistics.rx_ring_full));
  return lost;
}

void XdpSocket::SetOption(int option, const void* value, socklen_t length, const char* step) {
  if (setsockopt(socket_.get(), SOL_XDP, option, value, length) != 0) throw SyscallError(step);
}

void XdpSocket::Close(const Napi::CallbackInfo&) { Release(); }

void XdpSocket::Release() {
  end_.Forget();
  socket_.reset();  // the kernel takes it out of the map
  if (attachment_ != nullptr) attachment_->Forget(queue_);
  attachment_.reset();
  for (int i = 0; i < 4; i++) {
    ring_views_[i].Detach();
    rings_[i].Unmap();
  }
  memory_view_.Detach();
  memory_.Unmap();
}

}  // namespace emp
