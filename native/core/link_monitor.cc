#include "link_monitor.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "accessors.h"
#include "namespace_scope.h"
#include "syscall_error.h"

namespace emp {

namespace {

constexpr size_t kReceiveBuffer = 65536;
// A storm of events must not keep the event loop: the rest is read on the next turn.
constexpr int kMessagesPerRead = 64;
// Room for some thousand events; beyond the default only with CAP_NET_ADMIN. What overflows is made good by a new dump.
constexpr int kSocketBuffer = 1 << 20;

constexpr ssize_t kNone = -1;
constexpr ssize_t kLost = -2;

}  // namespace

void LinkMonitor::Define(Napi::Env env, Napi::Object exports) {
  const Napi::Function made = DefineClass(
      env, "LinkMonitor",
      {InstanceMethod<&LinkMonitor::Descriptor>("fd", napi_configurable), InstanceMethod<&LinkMonitor::Dump>("dump"),
       InstanceMethod<&LinkMonitor::Read>("read"), InstanceMethod<&LinkMonitor::Close>("close")});
  exports.Set("LinkMonitor", ReadBy(made, {"fd"}));
}

LinkMonitor::LinkMonitor(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<LinkMonitor>(info), buffer_(kReceiveBuffer) {
  Guarded(info.Env(), [&] {
    const NamespaceScope scope(info[0].As<Napi::String>().Utf8Value());
    events_ = std::make_unique<NetlinkSocket>(NETLINK_ROUTE, RTMGRP_LINK, SOCK_NONBLOCK);
    requests_ = std::make_unique<NetlinkSocket>(NETLINK_ROUTE, 0, 0);
    setsockopt(events_->fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer);
  });
}

Napi::Value LinkMonitor::Descriptor(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), events_ ? events_->fd() : -1);
}

// dump(): all links as they are now.
Napi::Value LinkMonitor::Dump(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return Guarded(env, [&]() -> Napi::Value {
    Napi::Array links = Napi::Array::New(env);
    if (!requests_) return links;
    for (const Link& link : DumpLinks(*requests_)) links.Set(links.Length(), link.ToJs(env));
    return links;
  });
}

// read(): the links that changed, in order; null if the kernel had to drop events, so that only a dump tells the truth.
Napi::Value LinkMonitor::Read(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return Guarded(env, [&]() -> Napi::Value {
    Napi::Array links = Napi::Array::New(env);
    if (!events_) return links;
    for (int i = 0; i < kMessagesPerRead; i++) {
      const ssize_t got = Receive();
      if (got == kNone) break;
      if (got == kLost) {
        // What still waits is older than the loss: it would be taken for news after the dump.
        while (Receive() != kNone) continue;
        return env.Null();
      }
      int left = static_cast<int>(got);
      for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.data()); NLMSG_OK(message, left);
           message = NLMSG_NEXT(message, left)) {
        Link link;
        if (ParseLink(message, link)) links.Set(links.Length(), link.ToJs(env));
      }
    }
    return links;
  });
}

// The length of the next message in the buffer, kNone or kLost.
ssize_t LinkMonitor::Receive() {
  for (;;) {
    const ssize_t got = recv(events_->fd(), buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (got >= 0) return static_cast<size_t>(got) <= buffer_.size() ? got : kLost;
    if (errno == EAGAIN) return kNone;
    if (errno == ENOBUFS) return kLost;
    if (errno != EINTR) throw SyscallError("recv(AF_NETLINK)");
  }
}

void LinkMonitor::Close(const Napi::CallbackInfo&) {
  events_.reset();
  requests_.reset();
}

}  // namespace emp
