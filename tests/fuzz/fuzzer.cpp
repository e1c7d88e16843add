// libFuzzer's entry; SPECTRAL_FUZZ_TARGET names the function of targets.hpp.
#include <cstddef>
#include <memory>

#include "kernels/backend.hpp"
#include "kernels/error.hpp"
#include "tests/fuzz/targets.hpp"

namespace spectral {

/// Readers are fuzzed with packed tensors left packed: nothing computes, and the kernels need not be built.
std::unique_ptr<Backend> open_backend(std::string_view, int) { throw Error("backend", "a fuzzer has none"); }

}  // namespace spectral

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    spectral::fuzz::SPECTRAL_FUZZ_TARGET({data, size});
    return 0;
}
