// What the machine can do at most: the two operations that its ceiling is measured with.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[i] = x[i]: memory bandwidth, half reading and half writing.
struct StreamCopy {
    static constexpr std::string_view name = "stream_copy";
    std::int64_t size = 0;
    const float* x = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// x[i] ← a·x[i] + b, `rounds` times: arithmetic on values that stay in registers.
struct RepeatedMultiplyAdd {
    static constexpr std::string_view name = "repeated_multiply_add";
    std::int64_t size = 0, rounds = 0;
    float a = 1, b = 0;
    float* x = nullptr;
    Cost cost() const;
};

}  // namespace spectral
