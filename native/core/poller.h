// Waits for a descriptor in the event loop of the thread it was made in. One shot: it stops before it calls JavaScript, so
// a handler that throws or starts it again finds it in a plain state. It keeps the process alive only while it waits, or not at
// all if it was made for the background.
#pragma once

#include <napi.h>

namespace emp {

struct PollHandle;

class Poller : public Napi::ObjectWrap<Poller> {
 public:
  static void Define(Napi::Env env, Napi::Object exports);

  explicit Poller(const Napi::CallbackInfo& info);
  ~Poller() override;

 private:
  friend struct PollHandle;

  void Start(const Napi::CallbackInfo& info);
  void Stop(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  void Disarm();
  void Release();

  PollHandle* handle_ = nullptr;
  bool armed_ = false;
  Napi::FunctionReference callback_;
};

}  // namespace emp
