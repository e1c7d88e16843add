// Work that is queued again and again with other values, started as one CUDA graph: one launch instead of
// one for every kernel.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "kernels/cuda/handles.hpp"

namespace spectral::cuda {

/// What cannot be done while a graph is recorded. The recording is dropped and the work queued as it is.
class NotRecordable : public Error {
public:
    explicit NotRecordable(std::string what)
        : Error(std::move(what), "it cannot be part of a recorded step", "queue it without recording") {}
};

/// Of one stream. Each body is recorded and the graph of the one before it given its values, which costs less
/// than launching; where it differs in more than values, a new graph takes its place.
class StepGraph {
public:
    /// Queues what `body` does. The first one is not recorded: libraries and kernels load what they need.
    void run(cudaStream_t stream, const std::function<void()>& body);

private:
    /// Null: the body cannot be recorded.
    Graph record(cudaStream_t stream, const std::function<void()>& body);
    /// Throws Error where there is no room for the graph.
    void take(cudaGraph_t graph);

    GraphExec executable_;
    bool warm_ = false;
};

}  // namespace spectral::cuda
