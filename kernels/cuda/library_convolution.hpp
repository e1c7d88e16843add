// Convolutions by a library: plans made once per shape, which share one work area.
#pragma once

#include <memory>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/cuda/error.hpp"
#include "kernels/ops/convolution.hpp"

namespace spectral::cuda {

class LibraryConvolution {
public:
    /// cuDNN's. Null where it is not installed, or the program was built without its header.
    static std::unique_ptr<LibraryConvolution> open(cudaMemPool_t pool, cudaStream_t stream);

    LibraryConvolution() = default;
    LibraryConvolution(const LibraryConvolution&) = delete;
    LibraryConvolution& operator=(const LibraryConvolution&) = delete;
    virtual ~LibraryConvolution() = default;

    /// Sums in float32, in an order that does not change from run to run. False, and nothing done, where the
    /// library has no such sums.
    virtual bool run(const Convolve& op) = 0;
    /// dw alone: dbias is left to others.
    virtual bool run(const ConvolveWeightGradient& op) = 0;

    /// The work area first; it belongs to all plans, so they have no bytes of their own.
    virtual std::vector<PlanInfo> list() const = 0;
    virtual void clear() = 0;
};

}  // namespace spectral::cuda
