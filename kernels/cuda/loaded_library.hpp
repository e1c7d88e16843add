// A shared library that the program can do without, opened at run time.
#pragma once

#include <dlfcn.h>

#include <string>

namespace spectral::cuda {

/// Stays open as long as the program.
class LoadedLibrary {
public:
    explicit LoadedLibrary(const std::string& file) : handle_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {}

    bool is_open() const { return handle_ != nullptr; }
    /// False where the library has no such function: then it is not the one that the caller was written for.
    template <class Function>
    bool find(const char* name, Function& function) const {
        function = reinterpret_cast<Function>(dlsym(handle_, name));
        return function != nullptr;
    }

private:
    void* handle_;
};

}  // namespace spectral::cuda
