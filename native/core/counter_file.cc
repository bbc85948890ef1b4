#include "counter_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arguments.h"
#include "mapping.h"
#include "syscall_error.h"

namespace emp {

void CounterFile::Define(Napi::Env env, Napi::Object exports) {
  exports.Set("CounterFile",
              DefineClass(env, "CounterFile",
                          {InstanceMethod<&CounterFile::Map>("map"), InstanceMethod<&CounterFile::Grow>("grow"),
                           InstanceMethod<&CounterFile::Close>("close")}));
}

CounterFile::CounterFile(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<CounterFile>(info), path_(info[0].As<Napi::String>().Utf8Value()) {
  Guarded(info.Env(), [&] {
    // O_EXCL: what somebody else has put there is neither opened nor followed.
    fd_.reset(open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd_) throw SyscallError("open");
  });
  end_.Await(
      info.Env(), [](void* self) { static_cast<CounterFile*>(self)->Remove(); }, this);
}

CounterFile::~CounterFile() { Remove(); }

// map(capacity): an ArrayBuffer, of which the first bytes may be used as far as the file has grown.
Napi::Value CounterFile::Map(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const size_t capacity = SizeArgument(info, 0);
    auto* mapping =
        new Mapping(Mapping::Map(capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0, "mmap of the counters"));
    return Napi::ArrayBuffer::New(
        info.Env(), mapping->base(), capacity, [](Napi::Env, void*, Mapping* unused) { delete unused; }, mapping);
  });
}

// grow(length): the pages are allocated now, because touching one that cannot be had would end the process.
void CounterFile::Grow(const Napi::CallbackInfo& info) {
  Guarded(info.Env(), [&] {
    const auto length = static_cast<off_t>(SizeArgument(info, 0));
    int error = 0;
    do {
      error = posix_fallocate(fd_.get(), 0, length);
    } while (error == EINTR);
    if (error != 0) throw SyscallError("fallocate", error);
  });
}

void CounterFile::Close(const Napi::CallbackInfo&) { Remove(); }

void CounterFile::Remove() {
  end_.Forget();
  if (!fd_) return;
  unlink(path_.c_str());
  fd_.reset();
}

}  // namespace emp
