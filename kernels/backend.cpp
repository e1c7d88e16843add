#include "kernels/backend.hpp"

#include <cstdlib>

#include "kernels/cpu/backend.hpp"

namespace spectral {

std::vector<BackendInfo> list_backends() { return {{"cpu", true, CpuBackend().device(), {}}}; }

std::unique_ptr<Backend> open_backend(std::string_view name, int threads) {
    std::string wanted(name);
    const char* forced = std::getenv("SPECTRAL_BACKEND");
    if (wanted == "auto" && forced && *forced) wanted = forced;
    if (wanted == "auto" || wanted == "cpu") return std::make_unique<CpuBackend>(threads);
    std::string usable, unusable;
    for (const BackendInfo& info : list_backends()) {
        std::string& list = info.usable ? usable : unusable;
        list +=
            (list.empty() ? "" : ", ") + info.name + (info.reason.empty() ? "" : " (" + info.reason + ")");
    }
    throw Error("backend '" + wanted + "'", "not known or not usable",
                "usable: auto, " + usable + (unusable.empty() ? "" : "; not usable: " + unusable));
}

}  // namespace spectral
