// A UDP socket with its frames (transmit pool, held frames, receive buffers: one memory) and the tables that JavaScript shares.
#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "environment_end.h"
#include "mapping.h"
#include "udp_paths.h"
#include "unique_fd.h"

namespace emp {

class UdpSocket : public Napi::ObjectWrap<UdpSocket> {
 public:
  static void Define(Napi::Env env, Napi::Object exports);

  explicit UdpSocket(const Napi::CallbackInfo& info);
  void Finalize(Napi::Env env) override;

 private:
  Napi::Value Descriptor(const Napi::CallbackInfo& info);
  Napi::Value Local(const Napi::CallbackInfo& info);
  Napi::Value Interface(const Napi::CallbackInfo& info);
  Napi::Value ReceiveBuffer(const Napi::CallbackInfo& info);
  Napi::Value EnableOffload(const Napi::CallbackInfo& info);
  void Open(const Napi::CallbackInfo& info);
  Napi::Value Frames(const Napi::CallbackInfo& info);
  Napi::Value Tables(const Napi::CallbackInfo& info);
  void SetPeer(const Napi::CallbackInfo& info);
  Napi::Value Source(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  void SetOptions();
  void FindInterface();
  void Release();

  UniqueFd fd_;
  UdpAddress local_{};
  socklen_t addressLength_ = 0;
  std::string interfaceName_;
  int interfaceMtu_ = 0;
  int interfaceIndex_ = 0;
  bool gso_ = false;
  bool gro_ = false;

  Mapping frames_;
  Mapping tables_;
  SharedView framesView_;
  SharedView tablesView_;
  const std::shared_ptr<UdpPaths> paths_;
  std::unique_ptr<UdpPath> path_;
  EnvironmentEnd end_;
};

}  // namespace emp
