// Plain page-aligned memory for frames, outside V8's heap, given back at once on close.
#pragma once

#include <napi.h>

#include "environment_end.h"
#include "mapping.h"

namespace emp {

class FrameMemory : public Napi::ObjectWrap<FrameMemory> {
 public:
  static void Define(Napi::Env env, Napi::Object exports);

  explicit FrameMemory(const Napi::CallbackInfo& info);
  void Finalize(Napi::Env env) override;

 private:
  Napi::Value Buffer(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);
  void Release();

  Mapping memory_;
  SharedView view_;
  EnvironmentEnd end_;
};

}  // namespace emp
