// What would harm memory is refused here; whether an argument makes sense is for TypeScript to say.
#pragma once

#include <napi.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "syscall_error.h"

namespace emp {

// Frames are named by 32-bit offsets: no memory of theirs is larger. Sums and products of two such numbers fit into 64 bits.
constexpr int64_t kMostBytes = INT32_MAX;

// An argument that is a number of bytes or of things.
inline size_t SizeArgument(const Napi::CallbackInfo& info, size_t index, int64_t least = 1) {
  const int64_t value = info[index].As<Napi::Number>().Int64Value();
  if (value < least || value > kMostBytes) throw SyscallError("argument", EINVAL);
  return static_cast<size_t>(value);
}

}  // namespace emp
