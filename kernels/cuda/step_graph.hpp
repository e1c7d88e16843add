// Work that is queued again and again with other values, started as one CUDA graph: one launch instead of
// one for every kernel.
#pragma once

#include <functional>

#include "kernels/cuda/handles.hpp"

namespace spectral::cuda {

/// Of one stream. Each body is recorded and the graph of the one before it given its values; where it differs
/// in more than values, a new graph takes its place.
class StepGraph {
public:
    /// Queues what `body` does. The first one is not recorded: libraries and kernels load what they need.
    /// Nothing has run where a recording fails, for whatever reason: then `body` queues its work as it is,
    /// and an error that is not the recording's comes again.
    void run(cudaStream_t stream, const std::function<void()>& body);

private:
    /// Null where the body cannot be recorded.
    static Graph record(cudaStream_t stream, const std::function<void()>& body);
    /// False where the graph cannot be started.
    bool take(cudaGraph_t graph);

    GraphExec executable_;
    bool warm_ = false;
};

}  // namespace spectral::cuda
