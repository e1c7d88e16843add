// Plain types that operations, backends and the engine share.
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernels/kernel_data.hpp"

namespace spectral {

using Complex = std::complex<float>;

/// Versions of one operation with the same result; a backend need not have all of them. The last two round
/// what they multiply: whoever wants them asks for them.
enum class Level : int {
    best = 0,       ///< the highest up to `custom` that the backend has
    reference = 1,  ///< plain loops or library calls, unfused
    fused = 2,      ///< one pass, no temporaries
    compiled = 3,   ///< specialised at run time
    tiled = 4,      ///< cache blocks or shared memory, vector units, threads
    custom = 5,     ///< algebraic collapse, warp primitives
    tf32 = 6,       ///< tensor cores on inputs of 10 bits
    bf16 = 7,       ///< tensor cores on inputs of 7 bits
};

inline constexpr std::array kLevels{Level::reference, Level::fused, Level::compiled, Level::tiled,
                                    Level::custom,    Level::tf32,  Level::bf16};

constexpr std::string_view level_name(Level level) {
    switch (level) {
        case Level::best:
            return "best";
        case Level::reference:
            return "reference";
        case Level::fused:
            return "fused";
        case Level::compiled:
            return "compiled";
        case Level::tiled:
            return "tiled";
        case Level::custom:
            return "custom";
        case Level::tf32:
            return "tf32";
        case Level::bf16:
            return "bf16";
    }
    return "?";
}

/// What an operation costs at least: memory traffic in bytes, floating-point operations.
struct Cost {
    double bytes = 0;
    double flops = 0;
};

}  // namespace spectral
