// A file in shared memory in which this process counts, and which others read (docs/stat.md). The file goes when it is closed, or with its
// thread; its memory goes with the last view of it, so counters can be looked at after the end.
#pragma once

#include <napi.h>

#include <string>

#include "environment_end.h"
#include "unique_fd.h"

namespace emp {

class CounterFile : public Napi::ObjectWrap<CounterFile> {
 public:
  static void Define(Napi::Env env, Napi::Object exports);

  // new CounterFile(path): makes the file, readable by its user only.
  explicit CounterFile(const Napi::CallbackInfo& info);
  ~CounterFile() override;

 private:
  Napi::Value Map(const Napi::CallbackInfo& info);
  void Grow(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  void Remove();

  std::string path_;
  UniqueFd fd_;
  EnvironmentEnd end_;
};

}  // namespace emp
