#include "kernels/cuda/step_graph.hpp"

namespace spectral::cuda {

Graph StepGraph::record(cudaStream_t stream, const std::function<void()>& body) {
    // Relaxed: what other threads do with other streams is none of this recording's business.
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "graph");
    const auto end = [stream] {
        cudaGraph_t graph = nullptr;
        const cudaError_t code = cudaStreamEndCapture(stream, &graph);
        return std::pair(code, Graph(graph));
    };
    try {
        body();
    } catch (const NotRecordable&) {
        end();
        return nullptr;
    } catch (...) {
        end();
        throw;
    }
    auto [code, graph] = end();
    check(code, "graph");
    return std::move(graph);
}

void StepGraph::take(cudaGraph_t graph) {
    if (executable_ != nullptr) {
        cudaGraphExecUpdateResultInfo info{};
        if (cudaGraphExecUpdate(executable_.get(), graph, &info) == cudaSuccess) return;
        static_cast<void>(cudaGetLastError());  // another sequence of kernels, which is no error
        executable_.reset();
    }
    cudaGraphExec_t made = nullptr;
    check(cudaGraphInstantiate(&made, graph, 0), "graph");
    executable_.reset(made);
}

void StepGraph::run(cudaStream_t stream, const std::function<void()>& body) {
    const Graph graph = std::exchange(warm_, true) ? record(stream, body) : nullptr;
    if (graph == nullptr) {
        body();
        return;
    }
    take(graph.get());
    check(cudaGraphLaunch(executable_.get(), stream), "graph");
}

}  // namespace spectral::cuda
