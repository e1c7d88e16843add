// How long work tells what it is doing and learns that it should stop.
#pragma once

#include <functional>
#include <string_view>

#include "engine/core/error.hpp"

namespace spectral {

/// Called with what is being done and the fraction done in [0,1]; returns false to cancel.
using Progress = std::function<bool(std::string_view what, double fraction)>;

/// Reports, and throws Cancelled when the listener said so. An empty `progress` is legal.
inline void report(const Progress& progress, std::string_view what, double fraction) {
    if (progress && !progress(what, fraction)) throw Cancelled();
}

}  // namespace spectral
