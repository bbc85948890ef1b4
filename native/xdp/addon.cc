// The xdp addon: needs libbpf. One file per object; this one only lists them.
#include <napi.h>

#include "hot_function.h"
#include "libbpf_log.h"
#include "xdp_socket.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  emp::LibbpfLog::Install();
  emp::XdpSocket::Define(env, exports);
  exports.Set("kick", emp::HotFunction(env, "kick", emp::OnDescriptor<emp::KickTransmit>));
  exports.Set("wake", emp::HotFunction(env, "wake", emp::OnDescriptor<emp::WakeReceive>));
  return exports;
}

NODE_API_MODULE(emp_xdp, Init)
