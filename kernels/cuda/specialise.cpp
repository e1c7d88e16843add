#include "kernels/cuda/specialise.hpp"

#include <memory>
#include <utility>

namespace spectral::cuda {

namespace {

[[noreturn]] void fail(const Nvrtc& nvrtc, nvrtcResult code, const std::string& log) {
    throw Error("run-time compilation",
                log.empty() ? nvrtc.get_error_string(code) : log.substr(0, log.find('\n')),
                "choose another level of the operation");
}

std::string log_of(const Nvrtc& nvrtc, nvrtcProgram program) {
    std::size_t size = 0;
    if (nvrtc.get_program_log_size(program, &size) != NVRTC_SUCCESS || size < 2) return {};
    std::string log(size, '\0');
    if (nvrtc.get_program_log(program, log.data()) != NVRTC_SUCCESS) return {};
    log.resize(size - 1);  // without the zero at its end
    return log;
}

}  // namespace

CompiledProgram compile(const Nvrtc& nvrtc, const std::vector<std::string>& expressions, int capability) {
    const auto require_success = [&nvrtc](nvrtcResult code, const std::string& log = {}) {
        if (code != NVRTC_SUCCESS) fail(nvrtc, code, log);
    };
    std::vector<const char*> names, texts;
    for (const NvrtcHeader& header : nvrtc_headers()) {
        names.push_back(header.name);
        texts.push_back(header.text);
    }
    nvrtcProgram made = nullptr;
    require_success(nvrtc.create_program(&made, "#include \"kernels/cuda/purefft_kernel.cuh\"\n",
                                         "specialised.cu", static_cast<int>(names.size()), texts.data(),
                                         names.data()));
    const auto destroy = [&nvrtc](nvrtcProgram program) { nvrtc.destroy_program(&program); };
    const std::unique_ptr<std::remove_pointer_t<nvrtcProgram>, decltype(destroy)> program(made, destroy);
    for (const std::string& expression : expressions)
        require_success(nvrtc.add_name_expression(program.get(), expression.c_str()));
    const std::string architecture = "--gpu-architecture=sm_" + std::to_string(capability);
    const char* const options[] = {architecture.c_str(), "--std=c++20",
                                   "--device-as-default-execution-space"};
    const nvrtcResult code = nvrtc.compile_program(program.get(), std::size(options), options);
    require_success(code, log_of(nvrtc, program.get()));

    CompiledProgram compiled;
    std::size_t size = 0;
    require_success(nvrtc.get_cubin_size(program.get(), &size));
    compiled.cubin.resize(size);
    require_success(nvrtc.get_cubin(program.get(), compiled.cubin.data()));
    for (const std::string& expression : expressions) {
        const char* name = nullptr;
        require_success(nvrtc.get_lowered_name(program.get(), expression.c_str(), &name));
        compiled.lowered.emplace_back(name);
    }
    return compiled;
}

const std::vector<cudaKernel_t>& SpecialisedKernels::get(const std::vector<std::string>& expressions) {
    const auto found = programs_.find(expressions);
    if (found != programs_.end()) return found->second.kernels;
    const CompiledProgram compiled = compile(*find_nvrtc(), expressions, capability_);
    cudaLibrary_t loaded = nullptr;
    check(cudaLibraryLoadData(&loaded, compiled.cubin.data(), nullptr, nullptr, 0, nullptr, nullptr, 0),
          "specialised kernels");
    Program program{Library(loaded), {}};
    for (const std::string& name : compiled.lowered) {
        cudaKernel_t kernel = nullptr;
        check(cudaLibraryGetKernel(&kernel, loaded, name.c_str()), "specialised kernels");
        program.kernels.push_back(kernel);
    }
    return programs_.emplace(expressions, std::move(program)).first->second.kernels;
}

}  // namespace spectral::cuda
