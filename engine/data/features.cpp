#include "engine/data/features.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/core/error.hpp"
#include "kernels/ops/features.hpp"

namespace spectral {

namespace {

/// Samples per call of the FFT operation: a few megabytes, so that progress moves and cancelling is quick.
constexpr std::int64_t kBlockValues = std::int64_t{1} << 20;

SignalShape flattened(const SignalShape& shape) { return {1, {shape.size(), 1, 1}}; }

bool two_dimensional(std::string_view feature) { return feature.starts_with("rfft2_"); }
bool complex_valued(std::string_view feature) { return feature.ends_with("_complex"); }

SignalShape transform_shape(std::string_view feature, const SignalShape& shape) {
    if (!two_dimensional(feature)) return flattened(shape);
    if (shape.rank != 2)
        throw Error(fmt::format("features '{}'", feature), "the data set's signals are not two-dimensional",
                    "choose raw, rfft_magnitude or log_magnitude, or take colour images as grey ones");
    return shape;
}

}  // namespace

const std::vector<FeatureInfo>& feature_registry() {
    static const std::vector<FeatureInfo> registry{
        {"raw", "signal", "the normalised signal itself, flattened row by row"},
        {"rfft_magnitude", "|rfft|", "magnitudes of the real FFT of the flattened signal"},
        {"rfft_complex", "rfft", "real and imaginary parts of the real FFT of the flattened signal"},
        {"rfft2_magnitude", "|rfft2|", "magnitudes of the two-dimensional real FFT of an image"},
        {"rfft2_complex", "rfft2", "real and imaginary parts of the two-dimensional real FFT of an image"},
        {"log_magnitude", "log(1+|rfft|)", "logarithm of one plus the magnitudes of the flattened signal"},
        {"tokens", "tokens", "the number of each token of a text's window, which raw shows one-hot"}};
    return registry;
}

const FeatureInfo& find_feature(std::string_view name) {
    const auto& registry = feature_registry();
    const auto found = std::ranges::find(registry, name, &FeatureInfo::name);
    if (found != registry.end()) return *found;
    std::vector<std::string_view> known;
    for (const FeatureInfo& info : registry) known.push_back(info.name);
    throw Error(fmt::format("features '{}'", name), "unknown",
                fmt::format("known: {}", fmt::join(known, ", ")));
}

SignalShape feature_shape(std::string_view feature, const SignalShape& signal) {
    find_feature(feature);
    if (feature == "raw") return signal;
    if (feature == "tokens") return {1, {signal.extent[0], 1, 1}};  // context × vocabulary
    SignalShape result = transform_shape(feature, signal);
    std::int64_t& last = result.extent[static_cast<std::size_t>(result.rank - 1)];
    last = last / 2 + 1;
    if (complex_valued(feature)) last *= 2;
    return result;
}

FeatureMatrix copy_of(Device device, const FeatureMatrix& features, std::string_view holder) {
    FeatureMatrix copy{features.rows, features.columns, features.stride, features.shape, {}};
    copy.values = Tensor(device, MemoryTag::data, features.values.shape(), holder);
    device.backend.copy_on_device(copy.values.data(), features.values.data(), copy.values.bytes());
    return copy;
}

FeatureMatrix make_features(Device device, const Samples& samples, std::string_view feature,
                            std::string_view holder) {
    if (feature == "tokens" && samples.tokens() == nullptr)
        throw Error("features 'tokens'", "the data set's signals are no text",
                    "take a text (--dataset text), or other features and a model that reads them");
    FeatureMatrix matrix;
    matrix.rows = samples.count();
    matrix.shape = feature_shape(feature, samples.shape);
    matrix.columns = matrix.shape.size();
    matrix.stride = padded_columns(matrix.columns);
    matrix.values = Tensor(device, MemoryTag::data, {matrix.rows, matrix.stride}, holder);
    return matrix;
}

namespace {

void fill_tokens(Device device, const Samples& samples, FeatureMatrix& matrix, std::string_view what,
                 const Progress& progress) {
    const TokenWindows& windows = *samples.tokens();
    const std::int64_t block =
        std::clamp<std::int64_t>(kBlockValues / matrix.stride, 1, std::max<std::int64_t>(matrix.rows, 1));
    const Reservation room = device.budget.reserve(
        MemoryTag::workspace, static_cast<std::size_t>(block * matrix.stride) * sizeof(float),
        "feature block tokens");
    std::vector<float> rows(static_cast<std::size_t>(block * matrix.stride));
    for (std::int64_t first = 0; first < matrix.rows; first += block) {
        report(progress, what, static_cast<double>(first) / static_cast<double>(matrix.rows));
        const std::int64_t count = std::min(block, matrix.rows - first);
        for (std::int64_t i = 0; i < count; ++i)
            std::ranges::transform(windows.window(first + i), rows.begin() + i * matrix.stride,
                                   [](std::int32_t token) { return static_cast<float>(token); });
        device.backend.copy_to_device(matrix.values.data() + first * matrix.stride, rows.data(),
                                      static_cast<std::size_t>(count * matrix.stride) * sizeof(float));
    }
    device.backend.synchronize();
    report(progress, what, 1);
}

}  // namespace

void fill_features(Device device, const Samples& samples, std::string_view feature, FeatureMatrix& matrix,
                   std::string_view what, const Progress& progress) {
    if (feature == "tokens") return fill_tokens(device, samples, matrix, what, progress);
    const SignalShape shape =
        feature == "raw" ? flattened(samples.shape) : transform_shape(feature, samples.shape);
    const std::int64_t size = shape.size();
    const std::int64_t block = std::clamp<std::int64_t>(kBlockValues / std::max<std::int64_t>(size, 1), 1,
                                                        std::clamp<std::int64_t>(matrix.rows, 1, 4096));
    const Reservation signals_room =
        device.budget.reserve(MemoryTag::workspace, static_cast<std::size_t>(block * size) * sizeof(float),
                              "feature block signals");
    std::vector<float> signals(static_cast<std::size_t>(block * size));
    const Tensor x(device, MemoryTag::workspace, {block, size}, "feature block");
    // Rfft's spectra fit where RfftMagnitude's scratch does.
    const Tensor spectra(device, MemoryTag::workspace, {RfftMagnitude::scratch_size(block, shape)},
                         "feature block spectra", DType::complex64);

    for (std::int64_t first = 0; first < matrix.rows; first += block) {
        report(progress, what, static_cast<double>(first) / static_cast<double>(matrix.rows));
        const std::int64_t count = std::min(block, matrix.rows - first);
        samples.read(first, count, signals.data());
        const auto bytes = static_cast<std::size_t>(count * size) * sizeof(float);
        device.backend.copy_to_device(x.data(), signals.data(), bytes);
        float* y = matrix.values.data() + first * matrix.stride;
        if (feature == "rfft_magnitude" || feature == "rfft2_magnitude" || feature == "log_magnitude") {
            device.backend.run(
                RfftMagnitude{count, shape, x.data(), y, matrix.stride, spectra.complex_data()});
            // The padding stays zero: log 1.
            if (feature == "log_magnitude") device.backend.run(Log1p{count * matrix.stride, y, y});
            continue;
        }
        const float* source = x.data();
        if (complex_valued(feature)) {
            device.backend.run(Rfft{count, shape, x.data(), spectra.complex_data()});
            source = reinterpret_cast<const float*>(spectra.complex_data());
        }
        for (std::int64_t b = 0; b < count; ++b)
            device.backend.copy_on_device(y + b * matrix.stride, source + b * matrix.columns,
                                          static_cast<std::size_t>(matrix.columns) * sizeof(float));
    }
    device.backend.synchronize();
    report(progress, what, 1);
}

FeatureMatrix compute_features(Device device, const Samples& samples, std::string_view feature,
                               std::string_view holder, const Progress& progress) {
    FeatureMatrix matrix = make_features(device, samples, feature, holder);
    fill_features(device, samples, feature, matrix, holder, progress);
    return matrix;
}

}  // namespace spectral
