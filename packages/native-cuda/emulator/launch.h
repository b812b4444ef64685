// launch(kernel, grid, block, stream, arguments...): runs the whole grid before it returns, and throws the first Fault;
// or records it where the stream is captured.
#pragma once
#include <tuple>
#include <type_traits>

#include "machine.h"
#include "stream.h"

#define launch(...) \
  ::doppel::cuda::emulator::launch_kernel({#__VA_ARGS__, std::source_location::current()}, __VA_ARGS__)

namespace doppel::cuda::emulator {

template <class... Parameters> struct Call {
  void (*kernel)(Parameters...);
  std::tuple<Parameters...> arguments;
  static void run(const void* self) {
    const Call& call = *static_cast<const Call*>(self);
    std::apply(call.kernel, call.arguments);
  }
};

template <class... Parameters, class... Arguments>
void launch_kernel(const LaunchSite& site, void (*kernel)(Parameters...), dim3 grid, dim3 block, Stream stream,
                   Arguments&&... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...),
                "a kernel's parameters are copied to the card byte by byte");
  const Call<Parameters...> call{kernel, {std::forward<Arguments>(arguments)...}};
  run_or_record(stream, [site, grid, block, call] {
    machine.run(site, grid, block, {&Call<Parameters...>::run, &call});
  });
}

}  // namespace doppel::cuda::emulator
