#include "poller.h"

#include <uv.h>

#include "syscall_error.h"

namespace emp {

// libuv's handle lives until its close callback, which may be after its Poller is gone, and which the end of a worker thread
// must wait for: hence an object of its own, and an asynchronous cleanup hook.
struct PollHandle {
  uv_poll_t poll;
  napi_env env;
  Poller* owner;
  napi_async_cleanup_hook_handle hook;
  napi_async_context context;

  void Close() {
    uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&poll);
    if (!uv_is_closing(handle)) uv_close(handle, OnClosed);
  }

  static void OnClosed(uv_handle_t* handle) {
    PollHandle* self = static_cast<PollHandle*>(handle->data);
    napi_remove_async_cleanup_hook(self->hook);
    delete self;
  }

  static void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
    PollHandle* self = static_cast<PollHandle*>(data);
    if (self->owner != nullptr) self->owner->Release();
    self->Close();
  }

  static void OnReady(uv_poll_t* poll, int status, int events) {
    PollHandle* self = static_cast<PollHandle*>(poll->data);
    if (self->owner == nullptr || !self->owner->armed_) return;
    napi_env env = self->env;
    Napi::HandleScope scope(env);
    napi_value receiver = self->owner->Value();
    napi_value function = self->owner->callback_.Value();
    self->owner->Disarm();
    napi_value argument;
    napi_create_int32(env, status < 0 ? status : events, &argument);
    // Runs promise jobs and process.nextTick after the handler, as every callback of Node does.
    napi_status called = napi_make_callback(env, self->context, receiver, function, 1, &argument, nullptr);
    if (called != napi_pending_exception) return;  // fine, or the thread is being terminated
    napi_value error;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
};

void Poller::Define(Napi::Env env, Napi::Object exports) {
  exports.Set("Poller", DefineClass(env, "Poller",
                                    {InstanceMethod<&Poller::Start>("start"), InstanceMethod<&Poller::Stop>("stop"),
                                     InstanceMethod<&Poller::Close>("close")}));
}

Poller::Poller(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Poller>(info) {
  Napi::Env env = info.Env();
  Guarded(env, [&] {
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env, &loop) != napi_ok) throw SyscallError("event loop", EINVAL);
    auto* handle = new PollHandle{};
    int result = uv_poll_init(loop, &handle->poll, info[0].As<Napi::Number>().Int32Value());
    if (result != 0) {
      delete handle;
      throw SyscallError("uv_poll_init", -result);
    }
    handle->poll.data = handle;
    const bool background = info.Length() > 1 && info[1].ToBoolean();
    if (background) uv_unref(reinterpret_cast<uv_handle_t*>(&handle->poll));
    handle->env = env;
    handle->owner = this;
    napi_async_init(env, nullptr, Napi::String::New(env, "EMP"), &handle->context);
    napi_add_async_cleanup_hook(env, PollHandle::OnEnvironmentEnd, handle, &handle->hook);
    handle_ = handle;
  });
}

Poller::~Poller() { Release(); }

// start(callback, events): UV_READABLE 1, UV_WRITABLE 2. Started again, it forgets the first callback.
void Poller::Start(const Napi::CallbackInfo& info) {
  if (handle_ == nullptr) return;
  Guarded(info.Env(), [&] {
    const int events = info.Length() > 1 ? info[1].As<Napi::Number>().Int32Value() : UV_READABLE;
    // libuv ends the process for other events.
    if (!info[0].IsFunction() || events == 0 || (events & ~(UV_READABLE | UV_WRITABLE)) != 0) {
      throw SyscallError("argument", EINVAL);
    }
    callback_ = Napi::Persistent(info[0].As<Napi::Function>());
    if (!armed_) Ref();  // the wait owns the object: nobody else needs to hold it
    armed_ = true;
    int result = uv_poll_start(&handle_->poll, events, PollHandle::OnReady);
    if (result == 0) return;
    Disarm();
    throw SyscallError("uv_poll_start", -result);
  });
}

void Poller::Stop(const Napi::CallbackInfo&) {
  if (handle_ != nullptr && armed_) Disarm();
}

void Poller::Close(const Napi::CallbackInfo&) { Release(); }

void Poller::Disarm() {
  uv_poll_stop(&handle_->poll);
  armed_ = false;
  callback_.Reset();
  Unref();
}

// After this the descriptor may be closed: libuv has forgotten it.
void Poller::Release() {
  if (handle_ == nullptr) return;
  if (armed_) Disarm();
  PollHandle* handle = handle_;
  handle_ = nullptr;
  handle->owner = nullptr;
  napi_async_destroy(handle->env, handle->context);
  handle->Close();
}

}  // namespace emp
