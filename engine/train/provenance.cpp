#include "engine/train/provenance.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include <spectral_version.hpp>

namespace spectral {

Provenance provenance_of(const Backend& backend) {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    return {SPECTRAL_GIT_COMMIT, std::string(backend.name()), backend.device(),
            fmt::format("spectral {}, HDF5 {}.{}.{}, fmt {}", SPECTRAL_VERSION, major, minor, release,
                        FMT_VERSION)};
}

}  // namespace spectral
