// Every operation of the CPU backend, one line each: the whole list, no static initialisers.
#pragma once

#include "kernels/op_table.hpp"

namespace spectral::cpu {

void add_activation(OpTable& table);
void add_attention(OpTable& table);
void add_attention_backward(OpTable& table);
void add_attention_reference(OpTable& table);
void add_batch_norm(OpTable& table);
void add_bias(OpTable& table);
void add_ceiling(OpTable& table);
void add_convolve(OpTable& table);
void add_dct(OpTable& table);
void add_dynamics(OpTable& table);
void add_embedding(OpTable& table);
void add_features(OpTable& table);
void add_fft(OpTable& table);
void add_fourier_mix(OpTable& table);
void add_gather(OpTable& table);
void add_layer_norm(OpTable& table);
void add_magnitude(OpTable& table);
void add_matmul(OpTable& table);
void add_mod_relu(OpTable& table);
void add_normalise(OpTable& table);
void add_optimisers(OpTable& table);
void add_pooling(OpTable& table);
void add_purefft_literal(OpTable& table);
void add_purefft_fused(OpTable& table);
void add_purefft_gain(OpTable& table);
void add_purefft_tiled(OpTable& table);
void add_purefft_collapsed(OpTable& table);
void add_reduce(OpTable& table);
void add_round(OpTable& table);
void add_select_above(OpTable& table);
void add_sequence(OpTable& table);
void add_softmax(OpTable& table);
void add_softmax_nll(OpTable& table);
void add_sparse(OpTable& table);
void add_sparse_merge(OpTable& table);
void add_sparse_spectral_multiply(OpTable& table);
void add_sparse_matmul(OpTable& table);
void add_spectral_batch_norm(OpTable& table);
void add_spectral_filter(OpTable& table);
void add_spectral_multiply(OpTable& table);
void add_tiled_convolve(OpTable& table);
void add_top_k(OpTable& table);

inline void add_all(OpTable& table) {
    add_activation(table);
    add_attention(table);
    add_attention_backward(table);
    add_attention_reference(table);
    add_batch_norm(table);
    add_bias(table);
    add_ceiling(table);
    add_convolve(table);
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
    add_normalise(table);
    add_optimisers(table);
    add_pooling(table);
    add_purefft_literal(table);
    add_purefft_fused(table);
    add_purefft_gain(table);
    add_purefft_tiled(table);
    add_purefft_collapsed(table);
    add_reduce(table);
    add_round(table);
    add_select_above(table);
    add_sequence(table);
    add_softmax(table);
    add_softmax_nll(table);
    add_sparse(table);
    add_sparse_merge(table);
    add_sparse_spectral_multiply(table);
    add_sparse_matmul(table);
    add_spectral_batch_norm(table);
    add_spectral_filter(table);
    add_spectral_multiply(table);
    add_tiled_convolve(table);
    add_top_k(table);
}

}  // namespace spectral::cpu
