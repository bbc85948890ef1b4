// libbpf prints its troubles to stderr. Here they are kept instead, for the error's cause.
#pragma once

#include <string>

namespace emp {

class LibbpfLog {
 public:
  // Once per process.
  static void Install();
  // What libbpf said in this thread since the last call.
  static std::string Take();
};

}  // namespace emp
