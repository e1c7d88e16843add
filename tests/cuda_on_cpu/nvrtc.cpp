// NVRTC, and the libraries of kernels that it gives, over kernels that are compiled with the program. A cubin
// is the list of its kernels' names.
#include "nvrtc.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "control.hpp"

struct _nvrtcProgram {
    std::vector<std::string> expressions;
    std::string log, cubin;
};
struct CUlib_st {
    std::vector<std::string> names;
};
struct CUkern_st {
    cuda_on_cpu::BindArguments bind;
};

namespace {

std::map<std::string, CUkern_st>& offered() {
    static std::map<std::string, CUkern_st> kernels;
    return kernels;
}

}  // namespace

void cuda_on_cpu::offer_kernel(const std::string& expression, BindArguments bind) {
    offered()[expression].bind = std::move(bind);
}

const char* nvrtcGetErrorString(nvrtcResult code) {
    return code == NVRTC_ERROR_COMPILATION ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR_INVALID_INPUT";
}

nvrtcResult nvrtcCreateProgram(nvrtcProgram* program, const char* source, const char* /*name*/, int headers,
                               const char* const* texts, const char* const* names) {
    // What the source includes must be among the headers.
    const std::string text(source);
    const std::size_t from = text.find('"'), to = text.find('"', from + 1);
    const bool found = to != std::string::npos && std::any_of(names, names + headers, [&](const char* name) {
                           return text.substr(from + 1, to - from - 1) == name;
                       });
    if (!found || std::any_of(texts, texts + headers, [](const char* each) { return each == nullptr; }))
        return NVRTC_ERROR_INVALID_INPUT;
    *program = new _nvrtcProgram;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program) {
    delete std::exchange(*program, nullptr);
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcAddNameExpression(nvrtcProgram program, const char* expression) {
    program->expressions.emplace_back(expression);
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int /*options*/, const char* const* /*texts*/) {
    for (const std::string& expression : program->expressions) {
        if (!offered().contains(expression)) {
            program->log = "error: nobody offered " + expression + "\n";
            return NVRTC_ERROR_COMPILATION;
        }
        program->cubin += expression + '\n';
    }
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, std::size_t* size) {
    *size = program->log.size() + 1;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char* log) {
    std::memcpy(log, program->log.c_str(), program->log.size() + 1);
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, std::size_t* size) {
    *size = program->cubin.size() + 1;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char* cubin) {
    std::memcpy(cubin, program->cubin.c_str(), program->cubin.size() + 1);
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, std::size_t* size) {
    return nvrtcGetCUBINSize(program, size);
}

nvrtcResult nvrtcGetPTX(nvrtcProgram program, char* ptx) { return nvrtcGetCUBIN(program, ptx); }

nvrtcResult nvrtcGetNumSupportedArchs(int* count) {
    *count = 2;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetSupportedArchs(int* architectures) {
    architectures[0] = 75;
    architectures[1] = 90;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetLoweredName(nvrtcProgram program, const char* expression, const char** lowered) {
    const auto found = std::ranges::find(program->expressions, expression);
    if (found == program->expressions.end()) return NVRTC_ERROR_INVALID_INPUT;
    *lowered = found->c_str();
    return NVRTC_SUCCESS;
}

cudaError_t cudaLibraryLoadData(cudaLibrary_t* library, const void* code, void* /*jit_options*/,
                                void** /*jit_values*/, unsigned /*jit_count*/, void* /*options*/,
                                void** /*values*/, unsigned /*count*/) {
    auto loaded = std::make_unique<CUlib_st>();
    std::istringstream names(static_cast<const char*>(code));
    for (std::string name; std::getline(names, name);) loaded->names.push_back(name);
    *library = loaded.release();
    ++cuda_on_cpu::counts().libraries;
    return cudaSuccess;
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
    delete library;
    --cuda_on_cpu::counts().libraries;
    return cudaSuccess;
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t* kernel, cudaLibrary_t library, const char* name) {
    if (std::ranges::find(library->names, name) == library->names.end())
        return cudaErrorInvalidDeviceFunction;
    *kernel = &offered().at(name);
    return cudaSuccess;
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function, void** arguments) {
    const auto* kernel = static_cast<const CUkern_st*>(function);
    cuda_on_cpu::submit_kernel(function, config->gridDim, config->blockDim, config->dynamicSmemBytes,
                               config->stream, kernel->bind(arguments));
    return cudaPeekAtLastError();
}
