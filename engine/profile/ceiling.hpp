// The most that this machine does on a backend: what an operation's speed is measured against.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/core/tensor.hpp"
#include "kernels/types.hpp"

namespace spectral {

struct Ceiling {
    double gb_per_s = 0;     ///< copied between arrays larger than the caches: bytes read and written
    double gflop_per_s = 0;  ///< multiply-adds on values in registers, two operations each

    /// The least time that `cost` can take, over `seconds`; in [0, 1] for what lives in main memory, above
    /// where caches hold the data.
    double share(const Cost& cost, double seconds) const;
};

/// Takes about half a second and 256 MiB, less where the budget has no room for that.
Ceiling measure_ceiling(Device device);

/// The one measured before on this machine for this backend, else measured now and remembered in `cache` (a
/// JSON file that may be missing, damaged or unwritable: then it is measured again). `fresh`: measured anew
/// in any case.
Ceiling machine_ceiling(Device device, const std::filesystem::path& cache, bool fresh = false);

/// Of a backend by name, from the cache; measured where it is not there and `measure` says so.
std::optional<Ceiling> ceiling_of(const std::string& backend, bool measure);

/// $XDG_CACHE_HOME/spectral-workbench/ceiling.json or the same below ~/.cache; empty when neither is known.
std::filesystem::path default_ceiling_cache();

}  // namespace spectral
