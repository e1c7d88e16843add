// NVRTC, NVIDIA's compiler at run time, where it is installed: the program does without it.
#pragma once

#include <nvrtc.h>

namespace spectral::cuda {

/// The functions of the library that are used, by their own names and signatures.
struct Nvrtc {
    decltype(&nvrtcGetErrorString) get_error_string = nullptr;
    decltype(&nvrtcCreateProgram) create_program = nullptr;
    decltype(&nvrtcDestroyProgram) destroy_program = nullptr;
    decltype(&nvrtcAddNameExpression) add_name_expression = nullptr;
    decltype(&nvrtcCompileProgram) compile_program = nullptr;
    decltype(&nvrtcGetProgramLogSize) get_program_log_size = nullptr;
    decltype(&nvrtcGetProgramLog) get_program_log = nullptr;
    decltype(&nvrtcGetCUBINSize) get_cubin_size = nullptr;
    decltype(&nvrtcGetCUBIN) get_cubin = nullptr;
    decltype(&nvrtcGetPTXSize) get_ptx_size = nullptr;
    decltype(&nvrtcGetPTX) get_ptx = nullptr;
    decltype(&nvrtcGetNumSupportedArchs) get_num_supported_archs = nullptr;
    decltype(&nvrtcGetSupportedArchs) get_supported_archs = nullptr;
    decltype(&nvrtcGetLoweredName) get_lowered_name = nullptr;
};

/// Loaded at the first call; null where there is none.
const Nvrtc* find_nvrtc();

}  // namespace spectral::cuda
