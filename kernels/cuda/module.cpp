// What the program finds when it opens the module.
#include "kernels/module.hpp"

#include <exception>
#include <memory>

#include "kernels/cuda/backend.hpp"

namespace spectral::cuda {

namespace {

BackendInfo describe() {
    BackendInfo info{"cuda", false, {}, {}};
    try {
        info.device = CudaBackend(0).device();  // also where its memory is full or another has it alone
        info.usable = true;
    } catch (const Error& error) {
        info.reason = error.why();
    } catch (const std::exception& error) {
        info.reason = error.what();
    }
    return info;
}

std::unique_ptr<Backend> open(int device) { return std::make_unique<CudaBackend>(device); }

}  // namespace

}  // namespace spectral::cuda

extern "C" SPECTRAL_EXPORT const spectral::BackendModule* spectral_backend_module() {
    static const spectral::BackendModule module{spectral::kModuleInterface, spectral::kModuleCompiler,
                                                spectral::cuda::describe, spectral::cuda::open};
    return &module;
}
