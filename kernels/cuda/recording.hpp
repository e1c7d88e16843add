// Rules while a stream is recorded into a graph: what cannot be part of the graph refuses, and what concerns
// the whole device waits.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "kernels/cuda/error.hpp"

namespace spectral::cuda {

/// Throws Error when `stream` is being recorded: what allocates, loads code or waits would spoil the graph.
void refuse_while_recording(cudaStream_t stream, const char* what);

/// Held by whoever starts or ends a library, makes a plan or loads code: these may wait for the whole device,
/// which spoils the recordings of all its streams, other threads' included.
[[nodiscard]] std::unique_lock<std::shared_mutex> keep_from_recording();

/// Held while a stream is recorded.
[[nodiscard]] std::shared_lock<std::shared_mutex> lock_for_recording();

}  // namespace spectral::cuda
