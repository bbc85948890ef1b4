// The monotonic clock, read into a cell that JavaScript sees: a double returned from a call would be allocated, a double in
// a typed array is not.
#pragma once

#include <napi.h>

#include <ctime>

namespace emp {

class Clock {
 public:
  static void Define(Napi::Env env, Napi::Object exports) { exports.Set("clock", Make(env)); }

 private:
  // A function () => undefined that sets its property `cell`, a Float64Array(1), to microseconds.
  static Napi::Value Make(Napi::Env env) {
    // Memory of our own, which nobody can transfer: the function would go on writing to where it was.
    auto* memory = new double(0);
    Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(
        env, memory, sizeof(double), [](Napi::Env, void* unused) { delete static_cast<double*>(unused); });
    Napi::Float64Array cell = Napi::Float64Array::New(env, 1, buffer, 0);
    napi_value function = nullptr;
    napi_create_function(env, "clock", NAPI_AUTO_LENGTH, Read, memory, &function);
    // The property keeps the cell alive as long as the function, which writes to it.
    Napi::Value(env, function)
        .As<Napi::Object>()
        .DefineProperty(Napi::PropertyDescriptor::Value("cell", cell, napi_enumerable));
    return Napi::Value(env, function);
  }

  static napi_value Read(napi_env env, napi_callback_info info) {
    void* cell = nullptr;
    napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &cell);
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *static_cast<double*>(cell) = static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
    return nullptr;
  }
};

}  // namespace emp
