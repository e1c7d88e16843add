// Kernels compiled at run time for sizes that are then constants.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernels/cuda/handles.hpp"
#include "kernels/cuda/nvrtc.hpp"

namespace spectral::cuda {

/// The source that is compiled: purefft_kernel.cuh and what it includes, by the names they are included by.
struct NvrtcHeader {
    const char* name;
    const char* text;
};
std::span<const NvrtcHeader> nvrtc_headers();

struct CompiledProgram {
    std::string cubin;
    std::vector<std::string> lowered;  ///< names in the cubin, in the order of the expressions
};

/// `expressions` name the template instances that are wanted, e.g.
/// "spectral::cuda::purefft_chain_kernel<spectral::cuda::FixedSizes<8, 2, 10, 393>>". `capability`: 90 is
/// compute capability 9.0. Throws Error with the compiler's first complaint.
CompiledProgram compile(const Nvrtc& nvrtc, const std::vector<std::string>& expressions, int capability);

/// Of one device. Programs are compiled once, at their first use, and stay.
class SpecialisedKernels {
public:
    explicit SpecialisedKernels(int capability) : capability_(capability) {}

    /// One for each expression, in their order, ready to be launched. find_nvrtc() is not null. Throws Error.
    const std::vector<cudaKernel_t>& get(const std::vector<std::string>& expressions);

private:
    struct Program {
        Library library;
        std::vector<cudaKernel_t> kernels;
    };

    int capability_;
    std::map<std::vector<std::string>, Program> programs_;
};

}  // namespace spectral::cuda
