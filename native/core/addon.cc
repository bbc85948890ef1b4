// The core addon: loads on any Linux, needs no library. One file per object; this one only lists them.
#include <napi.h>

#include "clock.h"
#include "counter_file.h"
#include "hot_function.h"
#include "link_list.h"
#include "link_monitor.h"
#include "packet_socket.h"
#include "poller.h"
#include "udp_paths.h"
#include "udp_socket.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  emp::Clock::Define(env, exports);
  emp::CounterFile::Define(env, exports);
  emp::Poller::Define(env, exports);
  emp::PacketSocket::Define(env, exports);
  emp::UdpPaths::Define(env, exports);
  emp::UdpSocket::Define(env, exports);
  emp::LinkMonitor::Define(env, exports);
  exports.Set("kick", emp::HotFunction(env, "kick", emp::OnDescriptor<emp::KickTransmit>));
  exports.Set("listLinks", Napi::Function::New<emp::ListLinks>(env, "listLinks"));
  return exports;
}

NODE_API_MODULE(emp_core, Init)
