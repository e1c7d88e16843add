#include "engine/train/backends.hpp"

#include "kernels/backend.hpp"

namespace spectral {

std::vector<BackendDescription> describe_backends() {
    std::vector<BackendDescription> result;
    for (const BackendInfo& info : list_backends())
        result.push_back({info.name, info.usable, info.device, info.reason});
    return result;
}

}  // namespace spectral
