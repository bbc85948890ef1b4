#include "udp_paths.h"

#include "hot_function.h"

namespace emp {

namespace {

using Shared = std::shared_ptr<UdpPaths>;

// The arguments, of which the first is a descriptor: its path, or null.
template <size_t kCount>
UdpPath* PathOf(napi_env env, napi_callback_info info, napi_value (&arguments)[kCount]) {
  size_t count = kCount;
  void* paths = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &paths);
  return static_cast<UdpPaths*>(paths)->Find(Int32Argument(env, arguments[0]));
}

napi_value Result(napi_env env, int frames) {
  napi_value result = nullptr;
  napi_create_int32(env, frames, &result);
  return result;
}

// udpSend(fd, count): frames that the kernel took of the first `count` descriptors.
napi_value Send(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  UdpPath* path = PathOf(env, info, arguments);
  return Result(env, path != nullptr ? path->sender.Send(Int32Argument(env, arguments[1])) : 0);
}

// udpReceive(fd): the number of entries in the receive tables.
napi_value Receive(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  UdpPath* path = PathOf(env, info, arguments);
  return Result(env, path != nullptr ? path->receiver.Receive() : 0);
}

}  // namespace

void UdpPaths::Define(Napi::Env env, Napi::Object exports) {
  auto* shared = new Shared(std::make_shared<UdpPaths>());
  env.SetInstanceData<Shared>(shared);
  exports.Set("udpSend", HotFunction(env, "udpSend", Send, shared->get()));
  exports.Set("udpReceive", HotFunction(env, "udpReceive", Receive, shared->get()));
}

std::shared_ptr<UdpPaths> UdpPaths::Of(Napi::Env env) { return *env.GetInstanceData<Shared>(); }

void UdpPaths::Set(int fd, UdpPath* path) {
  const auto index = static_cast<size_t>(fd);
  if (index >= paths_.size()) paths_.resize(index + 1);
  paths_[index] = path;
}

UdpPath* UdpPaths::Find(int32_t fd) const {
  const auto index = static_cast<size_t>(fd);  // a negative one is beyond all
  return index < paths_.size() ? paths_[index] : nullptr;
}

}  // namespace emp
