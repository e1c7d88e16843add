#include "kernels/cuda/nvrtc.hpp"

#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <optional>
#include <string>

namespace spectral::cuda {

namespace {

/// Nothing where the library has no such function: then it is not the one this was written for.
template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}

std::optional<Nvrtc> load() {
    const std::string name = "libnvrtc.so." + std::to_string(CUDART_VERSION / 1000);
    void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays open as long as the program
    if (library == nullptr) return std::nullopt;
    Nvrtc found;
    const bool whole = find(library, "nvrtcGetErrorString", found.get_error_string) &&
                       find(library, "nvrtcCreateProgram", found.create_program) &&
                       find(library, "nvrtcDestroyProgram", found.destroy_program) &&
                       find(library, "nvrtcAddNameExpression", found.add_name_expression) &&
                       find(library, "nvrtcCompileProgram", found.compile_program) &&
                       find(library, "nvrtcGetProgramLogSize", found.get_program_log_size) &&
                       find(library, "nvrtcGetProgramLog", found.get_program_log) &&
                       find(library, "nvrtcGetCUBINSize", found.get_cubin_size) &&
                       find(library, "nvrtcGetCUBIN", found.get_cubin) &&
                       find(library, "nvrtcGetPTXSize", found.get_ptx_size) &&
                       find(library, "nvrtcGetPTX", found.get_ptx) &&
                       find(library, "nvrtcGetNumSupportedArchs", found.get_num_supported_archs) &&
                       find(library, "nvrtcGetSupportedArchs", found.get_supported_archs) &&
                       find(library, "nvrtcGetLoweredName", found.get_lowered_name);
    return whole ? std::optional(found) : std::nullopt;
}

}  // namespace

const Nvrtc* find_nvrtc() {
    static const std::optional<Nvrtc> library = load();
    return library ? &*library : nullptr;
}

}  // namespace spectral::cuda
