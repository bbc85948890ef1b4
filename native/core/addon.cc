// The core addon: loads on any Linux, needs no library. One file per object; this one only lists them.
#include <napi.h>

static Napi::Object Init(Napi::Env, Napi::Object exports) { return exports; }

NODE_API_MODULE(emp_core, Init)
