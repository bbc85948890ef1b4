// The calls of the hot path, such as the kick of a packet or XDP socket, are functions of the addon that take a descriptor, not functions or methods of
// each socket. V8 calls straight into an addon only from a place that has seen one function there and no other. Where it has seen those of
// two sockets (a NIC that was opened again will do) it takes a detour: 15 ns when warm, and between two frames that code is cold.
//
// The caller answers for the descriptor: that it is open, and its own.
#pragma once

#include <napi.h>

#include <cerrno>
#include <cstdint>

#include "quick_calls.h"

namespace emp {

inline int32_t Int32Argument(napi_env env, napi_value argument) {
  int32_t number = -1;
  napi_get_value_int32(env, argument, &number);
  return number;
}

// A function (fd) => errno; undefined for success, for which nothing has to be made. `Call` does what it does to the descriptor.
template <ssize_t (*Call)(int fd)>
napi_value OnDescriptor(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_value error = nullptr;
  if (Call(Int32Argument(env, argument)) < 0) napi_create_int32(env, errno, &error);
  return error;
}

inline Napi::Value HotFunction(Napi::Env env, const char* name, napi_callback call, void* data = nullptr) {
  napi_value function = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, call, data, &function) != napi_ok) throw Napi::Error::New(env);
  return Napi::Value(env, function);
}

}  // namespace emp
