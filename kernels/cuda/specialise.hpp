// PureFFT's kernels compiled at run time for sizes that are then constants.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernels/cuda/handles.hpp"
#include "kernels/cuda/nvrtc.hpp"
#include "kernels/ops/purefft.hpp"

namespace spectral::cuda {

/// The source that is compiled: purefft_kernel.cuh and what it includes, by the names they are included by.
struct NvrtcHeader {
    const char* name;
    const char* text;
};
std::span<const NvrtcHeader> nvrtc_headers();

/// The template instances for the sizes, as C++ names them: chain, forward, backward, whole step.
std::array<std::string, 4> purefft_expressions(const PureFftSizes& sizes);

struct CompiledProgram {
    std::string code;                  ///< a cubin, or PTX where NVRTC does not know the device
    std::vector<std::string> lowered;  ///< names in the code, in the order of the expressions
};

/// `capability`: 90 is compute capability 9.0. Throws Error with the compiler's first complaint.
CompiledProgram compile(const Nvrtc& nvrtc, std::span<const std::string> expressions, int capability);

/// Of one stream's device. A program is compiled at its first use and kept.
class SpecialisedKernels {
public:
    struct PureFft {
        cudaKernel_t chain, forward, backward, step;
    };

    SpecialisedKernels(int capability, cudaStream_t stream) : capability_(capability), stream_(stream) {}

    /// Ready to be launched; the batch is no constant. find_nvrtc() is not null. Throws Error.
    const PureFft& purefft(const PureFftSizes& sizes);
    void clear() { programs_.clear(); }

private:
    struct Program {
        Library library;
        PureFft kernels;
    };
    static constexpr std::size_t kMaxPrograms = 32;  ///< then all of them go

    int capability_;
    cudaStream_t stream_;
    std::map<std::array<std::int64_t, 4>, Program> programs_;
};

}  // namespace spectral::cuda
