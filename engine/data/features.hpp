// What a model sees of a signal: its spectrum's magnitudes, its complex spectrum, or the signal itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/progress.hpp"
#include "engine/core/tensor.hpp"
#include "engine/data/dataset.hpp"

namespace spectral {

struct FeatureInfo {
    std::string name;   ///< "rfft_magnitude"
    std::string title;  ///< "|rfft|"
    std::string help;
};

/// raw, rfft_magnitude, rfft_complex, rfft2_magnitude, rfft2_complex, log_magnitude, tokens.
const std::vector<FeatureInfo>& feature_registry();

/// Throws Error that lists the known ones.
const FeatureInfo& find_feature(std::string_view name);

/// How the values of a sample lie: the signal's own shape for raw, that of the half spectrum for features of
/// two axes (complex ones have the real and the imaginary part of a value side by side), else one axis.
/// Throws Error for a 2-D feature of a 1-D signal. That of tokens is for windows of text alone, which
/// make_features() sees.
SignalShape feature_shape(std::string_view feature, const SignalShape& signal);

/// Features of one split in backend memory, one row per sample, rows `stride` floats apart and zero-padded.
struct FeatureMatrix {
    std::int64_t rows = 0, columns = 0, stride = 0;
    SignalShape shape;  ///< of a row's columns
    Tensor values;      ///< rows × stride
};

/// Room for the features of `samples`, all zero.
FeatureMatrix make_features(Device device, const Samples& samples, std::string_view feature,
                            std::string_view holder);

/// Computes them into `matrix`, in blocks through the backend's FFT operations. The matrix may be in the
/// memory of another backend object of the same device. `what` is what the progress tells. Throws Cancelled
/// when `progress` says so.
void fill_features(Device device, const Samples& samples, std::string_view feature, FeatureMatrix& matrix,
                   std::string_view what, const Progress& progress = {});

/// The same values in memory of their own.
FeatureMatrix copy_of(Device device, const FeatureMatrix& features, std::string_view holder);

/// Both in one.
FeatureMatrix compute_features(Device device, const Samples& samples, std::string_view feature,
                               std::string_view holder, const Progress& progress = {});

}  // namespace spectral
