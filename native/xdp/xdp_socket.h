// One AF_XDP socket: its memory, its four rings. It knows where the rings' words are and never touches them: all
// ring arithmetic is TypeScript.
//
// Steps, in this order:  new (namespace, interface, queue) - memory - rings - bind - attach.  A bind or an attach that fails may be
// tried again with other flags.
#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "attachment.h"
#include "environment_end.h"
#include "mapping.h"
#include "uapi.h"
#include "unique_fd.h"

namespace emp {

class XdpSocket : public Napi::ObjectWrap<XdpSocket> {
 public:
  static void Define(Napi::Env env, Napi::Object exports);

  explicit XdpSocket(const Napi::CallbackInfo& info);
  ~XdpSocket() override;
  void Finalize(Napi::Env env) override;

 private:
  Napi::Value Memory(const Napi::CallbackInfo& info);
  Napi::Value Rings(const Napi::CallbackInfo& info);
  void Bind(const Napi::CallbackInfo& info);
  Napi::Value Attach(const Napi::CallbackInfo& info);
  void BusyPoll(const Napi::CallbackInfo& info);
  Napi::Value Descriptor(const Napi::CallbackInfo& info);
  Napi::Value ZeroCopy(const Napi::CallbackInfo& info);
  Napi::Value Statistics(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  Napi::Object MapRing(Napi::Env env, int ring, off_t page, const xdp_ring_offset& offset, size_t bytes);
  void SetOption(int option, const void* value, socklen_t length, const char* step);
  void Release();

  std::string namespace_;
  InterfaceId interface_;
  uint32_t queue_ = 0;
  UniqueFd socket_;
  std::shared_ptr<Attachment> attachment_;
  Mapping memory_;
  SharedView memory_view_;
  Mapping rings_[4];
  SharedView ring_views_[4];
  EnvironmentEnd end_;
};

}  // namespace emp
