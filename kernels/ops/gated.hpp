// SwiGLU: one half of a row opens and closes the other.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[b,i] = SiLU(gate[b,i])·value[b,i];  y: batch × size; rows of gate and value are `stride` floats apart,
/// so that both may come from one product.
struct SwiGlu {
    static constexpr std::string_view name = "swiglu";
    std::int64_t batch = 0, size = 0, stride = 0;
    const float* gate = nullptr;
    const float* value = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// dgate = dy·value·SiLU'(gate), dvalue = dy·SiLU(gate), rows of both `stride` floats apart as well. dgate
/// may be gate, dvalue value.
struct SwiGluBackward {
    static constexpr std::string_view name = "swiglu_backward";
    std::int64_t batch = 0, size = 0, stride = 0;
    const float* gate = nullptr;
    const float* value = nullptr;
    const float* dy = nullptr;
    float* dgate = nullptr;
    float* dvalue = nullptr;
    Cost cost() const;
};

}  // namespace spectral
