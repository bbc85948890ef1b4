// Hears of every change of the links of a network namespace. JavaScript waits on `fd` and then calls `read`.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "netlink.h"

namespace emp {

class LinkMonitor : public Napi::ObjectWrap<LinkMonitor> {
 public:
  static void Define(Napi::Env env, Napi::Object exports);

  explicit LinkMonitor(const Napi::CallbackInfo& info);

 private:
  Napi::Value Descriptor(const Napi::CallbackInfo& info);
  Napi::Value Dump(const Napi::CallbackInfo& info);
  Napi::Value Read(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  ssize_t Receive();

  std::unique_ptr<NetlinkSocket> events_;
  // A socket of its own for dumps: it stays in the namespace, whatever becomes of the namespace's name.
  std::unique_ptr<NetlinkSocket> requests_;
  std::vector<uint8_t> buffer_;
};

}  // namespace emp
