// The normal distribution and what activations make of it.
#pragma once

#include "kernels/cuda/device.cuh"

namespace spectral::cuda {

/// GELU: x·Φ(x), Φ through erfc: 1 + erf loses all digits where x is far below zero.
struct Gelu {
    __device__ static float distribution(float x) { return 0.5F * erfcf(-x * 0.70710678F); }
    __device__ static float value(float x) { return x * distribution(x); }
    __device__ static float derivative(float x) {
        return distribution(x) + x * 0.39894228F * expf(-0.5F * x * x);
    }
};

}  // namespace spectral::cuda
