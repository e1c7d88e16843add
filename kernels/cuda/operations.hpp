// Every operation of the CUDA backend, one line each: the whole list, no static initialisers.
#pragma once

#include <nvtx3/nvToolsExt.h>

#include "kernels/cuda/backend.hpp"
#include "kernels/op_table.hpp"

namespace spectral::cuda {

/// A named range on the timeline of NVIDIA's tools.
class NvtxRange {
public:
    explicit NvtxRange(const char* name) { nvtxRangePushA(name); }
    NvtxRange(const NvtxRange&) = delete;
    NvtxRange& operator=(const NvtxRange&) = delete;
    ~NvtxRange() { nvtxRangePop(); }
};

/// Adds `kRun` as an operation's implementation: in a range of the operation's name, its launches checked
/// after it.
template <class Op, void (*kRun)(CudaBackend&, const Op&)>
void add(OpTable& table, Level level, std::string_view change) {
    table.add<Op>(
        level,
        [](Backend& backend, const Op& op) {
            CudaBackend& cuda = as_cuda(backend);
            const NvtxRange range(Op::name.data());  // a literal: ends with zero
            kRun(cuda, op);
            cuda.check_launches(Op::name);
        },
        change);
}

void add_activation(OpTable& table);
void add_attention(OpTable& table);
void add_attention_backward(OpTable& table);
void add_batch_norm(OpTable& table);
void add_bias(OpTable& table);
void add_ceiling(OpTable& table);
void add_convolution(OpTable& table);
void add_dct(OpTable& table);
void add_dynamics(OpTable& table);
void add_embedding(OpTable& table);
void add_features(OpTable& table);
void add_fft(OpTable& table);
void add_fourier_mix(OpTable& table);
void add_gather(OpTable& table);
void add_layer_norm(OpTable& table);
void add_library_convolution(OpTable& table);  ///< of a backend that has the library
void add_magnitude(OpTable& table);
void add_matmul(OpTable& table);
void add_mod_relu(OpTable& table);
void add_optimisers(OpTable& table);
void add_pooling(OpTable& table);
void add_purefft_literal(OpTable& table);
void add_purefft_compiled(OpTable& table);
void add_purefft_fused(OpTable& table);
void add_purefft_gain(OpTable& table);
void add_purefft_tensor(OpTable& table);
void add_purefft_tiled(OpTable& table);
void add_purefft_collapsed(OpTable& table);
void add_reduce(OpTable& table);
void add_round(OpTable& table);
void add_rfft_magnitude(OpTable& table);
void add_select(OpTable& table);
void add_sequence(OpTable& table);
void add_softmax(OpTable& table);
void add_softmax_nll(OpTable& table);
void add_sparse(OpTable& table);
void add_sparse_matmul(OpTable& table);
void add_spectral_batch_norm(OpTable& table);
void add_spectral_filter(OpTable& table);
void add_spectral_multiply(OpTable& table);
void add_spectral_normalise(OpTable& table);
void add_top_k(OpTable& table);

inline void add_all(OpTable& table) {
    add_activation(table);
    add_attention(table);
    add_attention_backward(table);
    add_batch_norm(table);
    add_bias(table);
    add_ceiling(table);
    add_convolution(table);
    add_dct(table);
    add_dynamics(table);
    add_embedding(table);
    add_features(table);
    add_fft(table);
    add_fourier_mix(table);
    add_gather(table);
    add_layer_norm(table);
    add_magnitude(table);
    add_matmul(table);
    add_mod_relu(table);
    add_optimisers(table);
    add_pooling(table);
    add_purefft_literal(table);
    add_purefft_fused(table);
    add_purefft_compiled(table);
    add_purefft_gain(table);
    add_purefft_tensor(table);
    add_purefft_tiled(table);
    add_purefft_collapsed(table);
    add_reduce(table);
    add_round(table);
    add_rfft_magnitude(table);
    add_select(table);
    add_sequence(table);
    add_softmax(table);
    add_softmax_nll(table);
    add_sparse(table);
    add_sparse_matmul(table);
    add_spectral_batch_norm(table);
    add_spectral_filter(table);
    add_spectral_multiply(table);
    add_spectral_normalise(table);
    add_top_k(table);
}

}  // namespace spectral::cuda
