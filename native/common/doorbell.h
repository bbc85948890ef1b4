// The one call of the hot path: send(fd, nothing), which tells a packet or XDP socket to work off its transmit ring.
// It is a bare function whose descriptor is bound to it, not a method: unwrapping an object costs more than the call itself.
#pragma once

#include <napi.h>

#include <cerrno>
#include <memory>

#include "quick_calls.h"

namespace emp {

class Doorbell {
 public:
  // A function () => bytes taken, or a negative errno. It may outlive the socket: after Silence it answers -EBADF.
  Napi::Value Make(Napi::Env env, int fd) {
    *fd_ = fd;
    auto* bound = new std::shared_ptr<int>(fd_);
    napi_value function = nullptr;
    napi_create_function(env, "kick", NAPI_AUTO_LENGTH, Ring, fd_.get(), &function);
    napi_add_finalizer(
        env, function, bound, [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<int>*>(data); },
        nullptr, nullptr);
    return Napi::Value(env, function);
  }

  void Silence() { *fd_ = -1; }

 private:
  static napi_value Ring(napi_env env, napi_callback_info info) {
    void* fd = nullptr;
    napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &fd);
    ssize_t sent = KickTransmit(*static_cast<int*>(fd));
    napi_value result = nullptr;
    napi_create_int32(env, sent < 0 ? -errno : static_cast<int32_t>(sent), &result);
    return result;
  }

  std::shared_ptr<int> fd_ = std::make_shared<int>(-1);
};

}  // namespace emp
