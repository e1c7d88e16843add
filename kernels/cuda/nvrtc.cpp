#include "kernels/cuda/nvrtc.hpp"

#include <cuda_runtime_api.h>

#include <optional>
#include <string>

#include "kernels/cuda/loaded_library.hpp"

namespace spectral::cuda {

namespace {

std::optional<Nvrtc> load() {
    const LoadedLibrary library("libnvrtc.so." + std::to_string(CUDART_VERSION / 1000));
    if (!library.is_open()) return std::nullopt;
    Nvrtc found;
    const bool whole = library.find("nvrtcGetErrorString", found.get_error_string) &&
                       library.find("nvrtcCreateProgram", found.create_program) &&
                       library.find("nvrtcDestroyProgram", found.destroy_program) &&
                       library.find("nvrtcAddNameExpression", found.add_name_expression) &&
                       library.find("nvrtcCompileProgram", found.compile_program) &&
                       library.find("nvrtcGetProgramLogSize", found.get_program_log_size) &&
                       library.find("nvrtcGetProgramLog", found.get_program_log) &&
                       library.find("nvrtcGetCUBINSize", found.get_cubin_size) &&
                       library.find("nvrtcGetCUBIN", found.get_cubin) &&
                       library.find("nvrtcGetPTXSize", found.get_ptx_size) &&
                       library.find("nvrtcGetPTX", found.get_ptx) &&
                       library.find("nvrtcGetNumSupportedArchs", found.get_num_supported_archs) &&
                       library.find("nvrtcGetSupportedArchs", found.get_supported_archs) &&
                       library.find("nvrtcGetLoweredName", found.get_lowered_name);
    return whole ? std::optional(found) : std::nullopt;
}

}  // namespace

const Nvrtc* find_nvrtc() {
    static const std::optional<Nvrtc> library = load();
    return library ? &*library : nullptr;
}

}  // namespace spectral::cuda
