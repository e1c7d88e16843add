#include "kernels/backend.hpp"

#include <charconv>
#include <cstdlib>
#include <exception>

#include "kernels/cpu/backend.hpp"
#include "kernels/module.hpp"

namespace spectral {

namespace {

constexpr std::string_view kModules[] = {"cuda"};  ///< best first

BackendInfo describe_module(std::string_view name) {
    try {
        return load_module(name).describe();
    } catch (const Error& error) {
        return {std::string(name), false, {}, error.why()};
    }
}

/// "cuda:1" is device 1 of "cuda".
struct BackendName {
    std::string_view name;
    int device = 0;
};

BackendName parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return {text};
    BackendName result{text.substr(0, colon)};
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), result.device);
    if (code != std::errc() || end != digits.data() + digits.size() || result.device < 0)
        throw Error("backend '" + std::string(text) + "'", "what follows the colon is no device number",
                    "for example cuda:0");
    return result;
}

std::unique_ptr<Backend> open_best(int threads) {
    for (const std::string_view name : kModules) {
        try {
            return load_module(name).open(0);
        } catch (const std::exception&) {
            // The next one is tried; list_backends() says why this one is not usable.
        }
    }
    return std::make_unique<CpuBackend>(threads);
}

}  // namespace

std::vector<BackendInfo> list_backends() {
    std::vector<BackendInfo> result{{"cpu", true, CpuBackend().device(), {}}};
    for (const std::string_view name : kModules) result.push_back(describe_module(name));
    return result;
}

std::unique_ptr<Backend> open_backend(std::string_view name, int threads) {
    std::string wanted(name);
    const char* forced = std::getenv("SPECTRAL_BACKEND");
    if (wanted == "auto" && forced && *forced) wanted = forced;
    if (wanted == "auto") return open_best(threads);
    if (wanted == "cpu") return std::make_unique<CpuBackend>(threads);
    const BackendName asked = parse(wanted);
    for (const std::string_view module : kModules)
        if (asked.name == module) return load_module(module).open(asked.device);
    std::string usable, unusable;
    for (const BackendInfo& info : list_backends()) {
        std::string& list = info.usable ? usable : unusable;
        list +=
            (list.empty() ? "" : ", ") + info.name + (info.reason.empty() ? "" : " (" + info.reason + ")");
    }
    throw Error("backend '" + wanted + "'", "not known",
                "usable: auto, " + usable + (unusable.empty() ? "" : "; not usable: " + unusable));
}

}  // namespace spectral
