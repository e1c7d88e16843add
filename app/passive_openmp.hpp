// Starts the program again with OpenMP's passive waiting, which OpenMP (inside oneDNN) reads when it is
// loaded: its default spins on cores that our own threads need and makes small matrix products several times
// slower.
#pragma once

#include <unistd.h>

#include <cstdlib>

namespace spectral::app {

/// Returns when the policy is set already, or when it cannot be set: slower, but nothing is wrong then.
inline void restart_with_passive_waiting(char** arguments) {
    if (std::getenv("OMP_WAIT_POLICY")) return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) == 0) execv("/proc/self/exe", arguments);
}

}  // namespace spectral::app
