// Extents of one to three axes as those of three, and places in them.
#pragma once

#include "kernels/cuda/device.cuh"

namespace spectral::cuda {

/// The missing ones in front.
struct Extents {
    std::int64_t z = 1, y = 1, x = 1;

    Extents(int rank, const std::int64_t* extents, std::int64_t missing)
        : z(rank > 2 ? extents[rank - 3] : missing),
          y(rank > 1 ? extents[rank - 2] : missing),
          x(extents[rank - 1]) {}
    __host__ __device__ std::int64_t size() const { return z * y * x; }
};

struct Place {
    std::int64_t z, y, x;
};

__device__ __forceinline__ Place place_in(const Extents& extents, std::int64_t index) {
    return {index / (extents.y * extents.x), index / extents.x % extents.y, index % extents.x};
}

}  // namespace spectral::cuda
