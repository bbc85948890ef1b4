// A failed system call, on its way to JavaScript: an Error with `code` ("EBUSY"), `errno`, `syscall` (the step that failed).
// TypeScript turns it into an EmpError with a remedy; C++ does not explain.
#pragma once

#include <napi.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <string>

namespace emp {

class SyscallError : public std::exception {
 public:
  explicit SyscallError(std::string step, int error = errno)
      : step_(std::move(step)), error_(error), text_(step_ + ": " + std::strerror(error_)) {}

  const char* what() const noexcept override { return text_.c_str(); }
  int error() const { return error_; }

  Napi::Error ToJs(Napi::Env env) const {
    Napi::Error e = Napi::Error::New(env, text_);
    const char* name = strerrorname_np(error_);
    e.Value().Set("code", Napi::String::New(env, name != nullptr ? name : "UNKNOWN"));
    e.Value().Set("errno", Napi::Number::New(env, error_));
    e.Value().Set("syscall", Napi::String::New(env, step_));
    return e;
  }

 private:
  std::string step_;
  int error_;
  std::string text_;
};

// Runs `body`; a SyscallError becomes a JavaScript exception.
template <typename Body>
auto Guarded(Napi::Env env, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const SyscallError& e) {
    throw e.ToJs(env);
  }
}

}  // namespace emp
