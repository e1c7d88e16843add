#include "kernels/module.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

#include "kernels/error.hpp"

namespace spectral {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> module_folders() {
    if (const char* forced = std::getenv("SPECTRAL_MODULES"); forced != nullptr && *forced != '\0')
        return {forced};
    std::error_code code;
    const fs::path program = fs::read_symlink("/proc/self/exe", code).parent_path();
    if (code) return {};
    return {program, program / ".." / "lib" / "spectral"};
}

std::string loader_text() {
    const char* text = dlerror();
    return text != nullptr ? text : "unknown reason";
}

const BackendModule& open_module(std::string_view name) {
    const std::string file = "spectral-" + std::string(name) + ".so";
    for (const fs::path& folder : module_folders()) {
        std::error_code code;
        const fs::path path = folder / file;
        if (!fs::exists(path, code)) continue;
        void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr)
            throw Error("backend '" + std::string(name) + "'", "its module does not load: " + loader_text(),
                        "install the libraries that it names");
        using Entry = const BackendModule* (*)();
        const auto entry = reinterpret_cast<Entry>(dlsym(handle, "spectral_backend_module"));
        const BackendModule* module = entry != nullptr ? entry() : nullptr;
        if (module == nullptr || module->interface != kModuleInterface ||
            std::strcmp(module->compiler, kModuleCompiler) != 0)
            throw Error("backend '" + std::string(name) + "'",
                        path.string() + " belongs to another version of the program",
                        "build program and module together");
        return *module;
    }
    throw Error("backend '" + std::string(name) + "'", "this build has no " + file,
                "build where its toolkit is installed");
}

}  // namespace

const BackendModule& load_module(std::string_view name) {
    static std::mutex mutex;
    static std::map<std::string, const BackendModule*, std::less<>> opened;
    const std::lock_guard lock(mutex);
    const auto found = opened.find(name);
    if (found != opened.end()) return *found->second;
    return *opened.emplace(name, &open_module(name)).first->second;
}

}  // namespace spectral
