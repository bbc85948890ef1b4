// Mapped memory that JavaScript sees as an ArrayBuffer. On close the buffer is detached first, so that a view kept by
// mistake reads `undefined` instead of memory that is gone.
#pragma once

#include <napi.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "syscall_error.h"

namespace emp {

class Mapping {
 public:
  Mapping() = default;
  Mapping(void* base, size_t length) : base_(static_cast<uint8_t*>(base)), length_(length) {}
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), length_(std::exchange(other.length_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    if (this != &other) {
      Unmap();
      base_ = std::exchange(other.base_, nullptr);
      length_ = std::exchange(other.length_, 0);
    }
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { Unmap(); }

  static Mapping Map(size_t length, int protection, int flags, int fd, off_t offset, const char* step) {
    void* base = mmap(nullptr, length, protection, flags, fd, offset);
    if (base == MAP_FAILED) throw SyscallError(step);
    return Mapping(base, length);
  }

  uint8_t* base() const { return base_; }
  size_t length() const { return length_; }

  void Unmap() {
    if (base_ != nullptr) munmap(base_, length_);
    base_ = nullptr;
    length_ = 0;
  }

 private:
  uint8_t* base_ = nullptr;
  size_t length_ = 0;
};

// An ArrayBuffer over memory that somebody else frees, after Detach.
class SharedView {
 public:
  Napi::ArrayBuffer Expose(Napi::Env env, uint8_t* base, size_t length) {
    Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, base, length);
    reference_ = Napi::Reference<Napi::ArrayBuffer>::New(buffer, 1);
    return buffer;
  }
  Napi::Value Buffer() const { return reference_.Value(); }
  // From JavaScript's thread, with a handle scope open, before the memory is unmapped.
  void Detach() {
    if (reference_.IsEmpty()) return;
    Napi::ArrayBuffer buffer = reference_.Value();
    if (!buffer.IsDetached()) buffer.Detach();
    reference_.Reset();
  }

 private:
  Napi::Reference<Napi::ArrayBuffer> reference_;
};

}  // namespace emp
