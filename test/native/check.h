// The little that the native tests need of a test framework: named tests, CHECK, a count at the end.
#pragma once

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace test {

struct Case {
  const char* name;
  void (*body)();
};

inline std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

struct Registration {
  Registration(const char* name, void (*body)()) { Cases().push_back({name, body}); }
};

struct Failure : std::exception {
  explicit Failure(std::string text) : text(std::move(text)) {}
  const char* what() const noexcept override { return text.c_str(); }
  std::string text;
};

// Thrown where the machine does not allow what the test needs.
struct Skip : Failure {
  using Failure::Failure;
};

}  // namespace test

#define EMP_JOIN_(a, b) a##b
#define EMP_JOIN(a, b) EMP_JOIN_(a, b)
#define EMP_STRING_(a) #a
#define EMP_STRING(a) EMP_STRING_(a)

#define TEST(name) EMP_TEST(name, EMP_JOIN(Test, __LINE__))
#define EMP_TEST(name, function)                                              \
  static void function();                                                     \
  static test::Registration EMP_JOIN(function, Registration)(name, function); \
  static void function()

#define CHECK(condition) \
  if (!(condition)) throw test::Failure(__FILE__ ":" EMP_STRING(__LINE__) ": " #condition)

#define CHECK_THROWS(expression, Exception)                                                                \
  try {                                                                                                    \
    expression;                                                                                            \
    throw test::Failure(__FILE__ ":" EMP_STRING(__LINE__) ": " #expression " does not throw " #Exception); \
  } catch (const Exception&) {                                                                             \
  }
