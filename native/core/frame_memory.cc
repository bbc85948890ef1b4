#include "frame_memory.h"

namespace emp {

void FrameMemory::Define(Napi::Env env, Napi::Object exports) {
  exports.Set("FrameMemory", DefineClass(env, "FrameMemory",
                                         {InstanceMethod<&FrameMemory::Close>("close"),
                                          InstanceAccessor<&FrameMemory::Buffer>("buffer")}));
}

FrameMemory::FrameMemory(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FrameMemory>(info) {
  Guarded(info.Env(), [&] {
    auto length = static_cast<size_t>(info[0].As<Napi::Number>().Int64Value());
    memory_ = Mapping::Map(length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, "mmap frames");
  });
  view_.Expose(info.Env(), memory_.base(), memory_.length());
  end_.Await(
      info.Env(),
      [](void* self) {
        Napi::HandleScope scope(static_cast<FrameMemory*>(self)->Env());
        static_cast<FrameMemory*>(self)->Release();
      },
      this);
}

void FrameMemory::Finalize(Napi::Env) { Release(); }

Napi::Value FrameMemory::Buffer(const Napi::CallbackInfo&) { return view_.Buffer(); }

void FrameMemory::Close(const Napi::CallbackInfo&) { Release(); }

void FrameMemory::Release() {
  end_.Forget();
  view_.Detach();
  memory_.Unmap();
}

}  // namespace emp
