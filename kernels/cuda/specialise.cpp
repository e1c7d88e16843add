#include "kernels/cuda/specialise.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "kernels/cuda/recording.hpp"

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

struct Target {
    int architecture;
    bool is_real;  ///< machine code for the device itself; else PTX, which the driver translates
};

Target target_for(const Nvrtc& nvrtc, int capability) {
    int count = 0;
    std::vector<int> known;
    if (nvrtc.get_num_supported_archs(&count) == NVRTC_SUCCESS && count > 0) {
        known.resize(static_cast<std::size_t>(count));
        if (nvrtc.get_supported_archs(known.data()) != NVRTC_SUCCESS) known.clear();
    }
    int newest = 0;
    for (const int each : known)
        if (each <= capability) newest = std::max(newest, each);
    return newest == 0 ? Target{capability, true} : Target{newest, newest == capability};
}

}  // namespace

std::array<std::string, 4> purefft_expressions(const PureFftSizes& sizes) {
    const std::string fixed = "spectral::cuda::FixedSizes<" + std::to_string(sizes.patterns) + ", " +
                              std::to_string(sizes.layers) + ", " + std::to_string(sizes.classes) + ", " +
                              std::to_string(sizes.frequencies) + ">>";
    const std::string tiles = "spectral::cuda::purefft_tiles_kernel<spectral::cuda::PureFftForm::collapsed, ";
    return {"spectral::cuda::purefft_chain_kernel<" + fixed,
            "spectral::cuda::purefft_forward_kernel<" + fixed, tiles + "false, " + fixed,
            tiles + "true, " + fixed};
}

CompiledProgram compile(const Nvrtc& nvrtc, std::span<const std::string> expressions, int capability) {
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
    const auto [architecture, is_real] = target_for(nvrtc, capability);
    const std::string target =
        (is_real ? "--gpu-architecture=sm_" : "--gpu-architecture=compute_") + std::to_string(architecture);
    const char* const options[] = {target.c_str(), "--std=c++20", "--device-as-default-execution-space"};
    const nvrtcResult code = nvrtc.compile_program(program.get(), std::size(options), options);
    require_success(code, log_of(nvrtc, program.get()));

    CompiledProgram compiled;
    std::size_t size = 0;
    require_success((is_real ? nvrtc.get_cubin_size : nvrtc.get_ptx_size)(program.get(), &size));
    compiled.code.resize(size);
    require_success((is_real ? nvrtc.get_cubin : nvrtc.get_ptx)(program.get(), compiled.code.data()));
    for (const std::string& expression : expressions) {
        const char* name = nullptr;
        require_success(nvrtc.get_lowered_name(program.get(), expression.c_str(), &name));
        compiled.lowered.emplace_back(name);
    }
    return compiled;
}

const SpecialisedKernels::PureFft& SpecialisedKernels::purefft(const PureFftSizes& sizes) {
    const std::array key{sizes.patterns, sizes.layers, sizes.classes, sizes.frequencies};
    const auto found = programs_.find(key);
    if (found != programs_.end()) return found->second.kernels;
    refuse_while_recording(stream_, "compilation");
    const CompiledProgram compiled = compile(*find_nvrtc(), purefft_expressions(sizes), capability_);
    const auto lock = keep_from_recording();
    if (programs_.size() >= kMaxPrograms) {
        check(cudaStreamSynchronize(stream_), "specialised kernels");  // one of them may be running
        clear();
    }
    cudaLibrary_t loaded = nullptr;
    check(cudaLibraryLoadData(&loaded, compiled.code.data(), nullptr, nullptr, 0, nullptr, nullptr, 0),
          "specialised kernels");
    Program program{Library(loaded), {}};
    cudaKernel_t* const kernels[] = {&program.kernels.chain, &program.kernels.forward,
                                     &program.kernels.backward, &program.kernels.step};
    for (std::size_t i = 0; i < std::size(kernels); ++i)
        check(cudaLibraryGetKernel(kernels[i], loaded, compiled.lowered[i].c_str()), "specialised kernels");
    return programs_.emplace(key, std::move(program)).first->second.kernels;
}

}  // namespace spectral::cuda
