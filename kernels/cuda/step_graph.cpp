#include "kernels/cuda/step_graph.hpp"

#include "kernels/cuda/recording.hpp"

namespace spectral::cuda {

namespace {

/// The error of a failed call is also the thread's last one, which the next operation's check would find.
bool succeeded(cudaError_t code) {
    if (code != cudaSuccess) static_cast<void>(cudaGetLastError());
    return code == cudaSuccess;
}

}  // namespace

Graph StepGraph::record(cudaStream_t stream, const std::function<void()>& body) {
    const auto lock = lock_for_recording();
    if (!succeeded(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed))) return nullptr;
    bool whole = true;
    try {
        body();
    } catch (...) {
        whole = false;
    }
    cudaGraph_t recorded = nullptr;
    whole = succeeded(cudaStreamEndCapture(stream, &recorded)) && whole;
    Graph graph(recorded);
    return whole ? std::move(graph) : nullptr;
}

bool StepGraph::take(cudaGraph_t graph) {
    if (executable_ != nullptr) {
        cudaGraphExecUpdateResultInfo info{};
        if (succeeded(cudaGraphExecUpdate(executable_.get(), graph, &info))) return true;
        executable_.reset();  // another sequence of kernels
    }
    cudaGraphExec_t made = nullptr;
    if (!succeeded(cudaGraphInstantiate(&made, graph, 0))) return false;
    executable_.reset(made);
    return true;
}

void StepGraph::run(cudaStream_t stream, const std::function<void()>& body) {
    if (warm_) {
        const Graph graph = record(stream, body);
        if (graph != nullptr && take(graph.get())) {
            check(cudaGraphLaunch(executable_.get(), stream), "graph");
            return;
        }
    }
    body();
    warm_ = true;
}

}  // namespace spectral::cuda
