// The backends, described for programs that never see kernels/.
#pragma once

#include <string>
#include <vector>

namespace spectral {

struct BackendDescription {
    std::string name;
    bool usable = false;
    std::string device;
    std::string reason;  ///< why it is not usable, else empty
};

std::vector<BackendDescription> describe_backends();

}  // namespace spectral
