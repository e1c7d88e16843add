// Element by element over arrays of floats, four at a time where all of them are aligned to 16 bytes.
#pragma once

#include "kernels/cuda/backend.hpp"
#include "kernels/cuda/launch.cuh"

namespace spectral::cuda {

/// `body.template apply<kWidth>(i)` does elements i … i + kWidth − 1. Every element is done by one thread.
template <int kWidth, class Body>
__global__ void elementwise_kernel(std::int64_t size, Body body) {
    const std::int64_t step = global_threads();
    const std::int64_t packs = size / kWidth;
    for (std::int64_t i = global_thread(); i < packs; i += step) body.template apply<kWidth>(i * kWidth);
    if constexpr (kWidth > 1)
        for (std::int64_t i = packs * kWidth + global_thread(); i < size; i += step)
            body.template apply<1>(i);
}

/// `aligned`: vector_aligned() of all arrays that `body` touches.
template <class Body>
void run_elementwise(CudaBackend& backend, std::int64_t size, bool aligned, const Body& body) {
    if (size == 0) return;
    constexpr int kWide = 4;
    const unsigned blocks = blocks_for(size, kBlock * (aligned ? kWide : 1), backend.most_blocks());
    if (aligned)
        launch(elementwise_kernel<kWide, Body>, blocks, kBlock, 0, backend.stream(), size, body);
    else
        launch(elementwise_kernel<1, Body>, blocks, kBlock, 0, backend.stream(), size, body);
}

}  // namespace spectral::cuda
