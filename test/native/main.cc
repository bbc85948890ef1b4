#include "check.h"

int main() {
  int failed = 0;
  for (const test::Case& test : test::Cases()) {
    try {
      test.body();
      std::printf("ok      %s\n", test.name);
    } catch (const test::Skip& skip) {
      std::printf("skipped %s (%s)\n", test.name, skip.what());
    } catch (const std::exception& failure) {
      std::printf("FAILED  %s\n        %s\n", test.name, failure.what());
      failed++;
    }
  }
  return failed == 0 ? 0 : 1;
}
