// The models of the registry, each made in the file of its family.
#pragma once

#include "engine/nn/registry.hpp"

namespace spectral {

ModelInfo purefft_info();
ModelInfo purefft_complex_info();
ModelInfo purefft_per_sample_info();
ModelInfo logistic_info();
ModelInfo mlp_info();
ModelInfo cnn_info();
ModelInfo syntonic_cnn_info();
ModelInfo char_transformer_info();
ModelInfo char_spectral_info();
ModelInfo global_filter_info();
ModelInfo fourier_mixer_info();
ModelInfo audio_spectral_info();

}  // namespace spectral
