#include "libbpf_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>

namespace emp {

namespace {

constexpr size_t kLimit = 4096;  // a verifier's log can be long; its end tells why
thread_local std::string said;

int Print(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  char line[kLimit];
  int length = vsnprintf(line, sizeof line, format, arguments);
  said += line;
  if (said.size() > kLimit) said.erase(0, said.size() - kLimit);
  return length;
}

}  // namespace

void LibbpfLog::Install() { libbpf_set_print(Print); }

std::string LibbpfLog::Take() {
  std::string text;
  text.swap(said);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace emp
