// Runs the threads of a grid: blocks one after another, the threads of a block as fibers that wait for each
// other at barriers and warp operations.
#pragma once

#include <cstddef>
#include <functional>

#include "cuda_runtime.h"

namespace cuda_on_cpu {

/// Calls `thread` once for every thread of every block, in an order that `seed` shuffles (0: not at all).
/// Ends the program with a report where threads wait for each other in vain.
void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, unsigned seed,
              const std::function<void()>& thread);

}  // namespace cuda_on_cpu
