// Frees an object's kernel resources when its environment (the process, or a worker thread) ends before it was closed.
#pragma once

#include <node_api.h>

namespace emp {

class EnvironmentEnd {
 public:
  using Callback = void (*)(void* object);

  EnvironmentEnd() = default;
  EnvironmentEnd(const EnvironmentEnd&) = delete;
  EnvironmentEnd& operator=(const EnvironmentEnd&) = delete;
  ~EnvironmentEnd() { Forget(); }

  void Await(napi_env env, Callback callback, void* object) {
    Forget();
    env_ = env;
    callback_ = callback;
    object_ = object;
    napi_add_env_cleanup_hook(env, Run, this);
  }

  void Forget() {
    if (env_ != nullptr) napi_remove_env_cleanup_hook(env_, Run, this);
    env_ = nullptr;
  }

 private:
  static void Run(void* data) {
    auto* self = static_cast<EnvironmentEnd*>(data);
    self->env_ = nullptr;
    self->callback_(self->object_);
  }

  napi_env env_ = nullptr;
  Callback callback_ = nullptr;
  void* object_ = nullptr;
};

}  // namespace emp
