// Runs all cases, or those whose name is given; prints a line of JSON for each: {"name": …, "ok": …, "text": …}.
#include <cstdio>
#include <cstring>
#include <random>

#include "suite.h"

namespace doppel::cuda::test {

std::vector<float> random_values(size_t count, int bits, unsigned seed) {
  std::mt19937 engine(seed);
  const double steps = std::ldexp(1.0, bits);
  std::vector<float> values(count);
  for (float& value : values)
    value = static_cast<float>((engine() % static_cast<uint64_t>(2 * steps + 1) - steps) / steps);
  return values;
}

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

bool run(const Case& test) {
  std::string text;
  bool ok = true;
  try {
    test.run();
  } catch (const std::exception& error) {
    ok = false;
    text = error.what();
  }
  std::printf("{\"name\": %s, \"ok\": %s, \"text\": %s}\n", quoted(test.name).c_str(), ok ? "true" : "false",
              quoted(text).c_str());
  std::fflush(stdout);
  return ok;
}

}  // namespace

}  // namespace doppel::cuda::test

int main(int count, char** names) {
  using namespace doppel::cuda::test;
  int failures = 0;
  for (const auto& cases : {features(), faults()}) {
    for (const Case& test : cases) {
      if (count < 2 || std::strcmp(names[1], test.name) == 0) failures += !run(test);
    }
  }
  return failures != 0;
}
