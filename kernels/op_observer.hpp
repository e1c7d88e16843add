// Sees every operation that a backend runs, for timings and traces.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/types.hpp"

namespace spectral {

/// Called in the thread that uses the backend, around every operation, also around those that an operation
/// runs to do its work. Must be quick and must not throw.
class OpObserver {
public:
    OpObserver() = default;
    OpObserver(const OpObserver&) = delete;
    OpObserver& operator=(const OpObserver&) = delete;
    virtual ~OpObserver() = default;

    /// `op` lives as long as the program; `level` is the one that runs, never `best`.
    virtual void began(std::string_view op, Level level, const Cost& cost) noexcept = 0;
    /// Also where the operation threw.
    virtual void ended() noexcept = 0;
};

}  // namespace spectral
