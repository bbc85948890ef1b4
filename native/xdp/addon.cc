// The xdp addon: needs libbpf. One file per object; this one only lists them.
#include <napi.h>

static Napi::Object Init(Napi::Env, Napi::Object exports) { return exports; }

NODE_API_MODULE(emp_xdp, Init)
