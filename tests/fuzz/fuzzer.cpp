// libFuzzer's entry; SPECTRAL_FUZZ_TARGET names the function of targets.hpp.
#include <cstddef>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    spectral::fuzz::SPECTRAL_FUZZ_TARGET({data, size});
    return 0;
}
