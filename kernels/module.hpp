// Backends in modules of their own, opened at run time: the program starts where their libraries are missing.
#pragma once

#include <memory>
#include <string_view>

#include "kernels/backend.hpp"

#define SPECTRAL_EXPORT __attribute__((visibility("default")))

namespace spectral {

/// Raised whenever Backend, OpTable or an operation's struct changes, or the scratch that one asks for:
/// module and program share them as C++ types.
inline constexpr int kModuleInterface = 5;
inline constexpr const char* kModuleCompiler = __VERSION__;

/// What a module's `spectral_backend_module()` returns; lives as long as the module, which is never closed.
struct BackendModule {
    int interface;
    const char* compiler;
    BackendInfo (*describe)();  ///< says why where it is not usable; does not throw
    std::unique_ptr<Backend> (*open)(int device);
};

/// The module `spectral-NAME.so`, looked for in SPECTRAL_MODULES when that is set, else beside the program
/// and in
/// ../lib/spectral from there. Throws Error that says why it cannot be used.
const BackendModule& load_module(std::string_view name);

}  // namespace spectral
