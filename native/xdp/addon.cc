// The xdp addon: needs libbpf. One file per object; this one only lists them.
#include <napi.h>

#include "libbpf_log.h"
#include "xdp_socket.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  emp::LibbpfLog::Install();
  emp::XdpSocket::Define(env, exports);
  return exports;
}

NODE_API_MODULE(emp_xdp, Init)
