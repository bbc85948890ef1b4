// AF_PACKET rings (TPACKET_V2) of one interface, and a pool of plain frames behind them, as one ArrayBuffer:
//   [ receive slots | transmit slots | pool ]
// Two sockets: PACKET_VNET_HDR, which makes small sends cheap, would also change the format of the receive ring.
#pragma once

#include <napi.h>

#include "environment_end.h"
#include "link_facts.h"
#include "mapping.h"
#include "unique_fd.h"

namespace emp {

class PacketSocket : public Napi::ObjectWrap<PacketSocket> {
 public:
  static void Define(Napi::Env env, Napi::Object exports);

  // (namespace, interface)
  explicit PacketSocket(const Napi::CallbackInfo& info);
  void Finalize(Napi::Env env) override;

 private:
  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value Drops(const Napi::CallbackInfo& info);
  Napi::Value TakeError(const Napi::CallbackInfo& info);
  Napi::Value Fd(const Napi::CallbackInfo& info);
  Napi::Value Bell(const Napi::CallbackInfo& info);
  Napi::Value Link(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  void Release();

  LinkFacts link_;
  UniqueFd rx_;
  UniqueFd tx_;
  Mapping memory_;
  SharedView view_;
  EnvironmentEnd end_;
};

}  // namespace emp
