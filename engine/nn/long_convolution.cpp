#include "engine/nn/long_convolution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/nn/composite.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

/// The smallest even length from `least` on without a prime factor above 5.
std::int64_t fast_length(std::int64_t least) {
    for (std::int64_t length = least + least % 2;; length += 2) {
        std::int64_t rest = length;
        for (const std::int64_t factor : {2, 3, 5})
            while (rest % factor == 0) rest /= factor;
        if (rest == 1) return length;
    }
}

Buffer upload(Device device, const std::vector<std::uint32_t>& columns, const std::string& layer) {
    Buffer buffer(device, MemoryTag::parameters, columns.size() * sizeof(std::uint32_t), layer + " order");
    device.backend.copy_to_device(buffer.data(), columns.data(), buffer.bytes());
    return buffer;
}

}  // namespace

LongConvolution::LongConvolution(Device device, std::string name, SequenceSize size, std::int64_t length,
                                 std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use)
    : Layer(std::move(name), use),
      device_(device),
      size_(size),
      length_(length),
      signal_{1, {fast_length(size.places + length - 1)}},
      filter_(device, "filter", {size.width, length}, this->name(), use),
      input_(device, this->name(), size.values(), max_batch) {
    if (length < 1 || length > size.places)
        throw BadValue("filter_length", fmt::format("{} is not 1 to {}, the context", length, size.places),
                       "choose a filter no longer than the context");
    std::vector<std::uint32_t> to_channels, to_places;
    for (std::int64_t c = 0; c < size.width; ++c)
        for (std::int64_t t = 0; t < padded(); ++t)
            to_channels.push_back(
                static_cast<std::uint32_t>(t < size.places ? t * size.width + c : size.values()));
    for (std::int64_t t = 0; t < size.places; ++t)
        for (std::int64_t c = 0; c < size.width; ++c)
            to_places.push_back(static_cast<std::uint32_t>(c * padded() + t));
    to_channels_ = upload(device, to_channels, this->name());
    to_places_ = upload(device, to_places, this->name());

    // Of the half spectrum a bin stands for its mirror too, but the first and the middle one.
    std::vector<Complex> weights(static_cast<std::size_t>(bins()), 2.0F / static_cast<float>(padded()));
    weights.front() = weights.back() = 1.0F / static_cast<float>(padded());
    const auto tensor = [&](const Shape& shape, const char* what, DType type = DType::f32) {
        return Tensor(device, MemoryTag::activations, shape, this->name() + " " + what, type);
    };
    weights_ = tensor({bins()}, "bin weights", DType::complex64);
    device.backend.copy_to_device(weights_.complex_data(), weights.data(), weights_.bytes());
    response_ = tensor({size.width, bins()}, "responses", DType::complex64);
    filter_rows_ = tensor({size.width, padded()}, "filters with zeros");
    rows_ = tensor({max_batch, size.values() + 1}, "rows with a zero");
    channels_ = tensor({max_batch, size.width * padded()}, "channels");
    spectra_ = tensor({max_batch, spectrum()}, "spectra", DType::complex64);
    product_ = tensor({max_batch, spectrum()}, "products", DType::complex64);
    work_ = tensor({max_batch, spectrum()}, "work area", DType::complex64);
    if (use == Use::run) return;
    response_gradient_ = tensor({size.width, bins()}, "response gradient", DType::complex64);
    filter_gradient_ = tensor({size.width, padded()}, "filter gradient with zeros");
    Random random(seed, stream);
    HostTensor start{filter_.value.shape(),
                     std::vector<float>(static_cast<std::size_t>(filter_.value.size()))};
    for (std::size_t i = 0; i < start.values.size(); ++i) {
        const auto s = static_cast<double>(i % static_cast<std::size_t>(length));
        start.values[i] = static_cast<float>(random.normal() / std::sqrt(1 + s));
    }
    filter_.value.assign(device.backend, start);
}

void LongConvolution::analyse(std::int64_t batch, const float* x, Complex* spectra) {
    Backend& backend = device_.backend;
    const std::int64_t values = size_.values();
    backend.run(GatherRows{batch, values, x, values, nullptr, rows_.data(), values + 1});
    backend.run(GatherColumns{batch, size_.width * padded(), rows_.data(), values + 1,
                              to_channels_.as<std::uint32_t>(), channels_.data()});
    backend.run(Rfft{batch * size_.width, signal_, channels_.data(), spectra});
}

void LongConvolution::synthesise(std::int64_t batch, const Complex* spectra, float* y) {
    Backend& backend = device_.backend;
    backend.run(RfftBackward{batch * size_.width, signal_, spectra, channels_.data(), work_.complex_data()});
    backend.run(GatherColumns{batch, size_.values(), channels_.data(), size_.width * padded(),
                              to_places_.as<std::uint32_t>(), y});
}

void LongConvolution::transform_filter() {
    device_.backend.run(GatherRows{size_.width, length_, filter_.value.data(), length_, nullptr,
                                   filter_rows_.data(), padded()});
    device_.backend.run(Rfft{size_.width, signal_, filter_rows_.data(), response_.complex_data()});
}

void LongConvolution::forward(std::int64_t batch, const LayerInput& x, float* y, bool /*training*/) {
    Backend& backend = device_.backend;
    transform_filter();
    backend.run(SpectralMultiply{size_.width, bins(), false, response_.complex_data(),
                                 weights_.complex_data(), response_.complex_data()});
    analyse(batch, input_.contiguous(batch, x), spectra_.complex_data());
    backend.run(SpectralMultiply{batch, spectrum(), false, spectra_.complex_data(), response_.complex_data(),
                                 product_.complex_data()});
    synthesise(batch, product_.complex_data(), y);
}

void LongConvolution::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    Backend& backend = device_.backend;
    Complex *slopes = product_.complex_data(), *response_slopes = response_gradient_.complex_data();
    analyse(batch, dy, slopes);
    backend.run(SpectralWeightGradient{batch, spectrum(), spectra_.complex_data(), slopes, response_slopes});
    backend.run(SpectralMultiply{size_.width, bins(), false, response_slopes, weights_.complex_data(),
                                 response_slopes});
    backend.run(
        RfftBackward{size_.width, signal_, response_slopes, filter_gradient_.data(), work_.complex_data()});
    backend.run(GatherRows{size_.width, length_, filter_gradient_.data(), padded(), nullptr,
                           filter_.gradient.data(), length_});
    if (dx == nullptr) return;
    backend.run(SpectralMultiply{batch, spectrum(), true, slopes, response_.complex_data(), slopes});
    synthesise(batch, slopes, dx);
}

std::vector<PatternSnapshot::Matrix> LongConvolution::patterns() {
    transform_filter();
    const Tensor magnitude(device_, MemoryTag::workspace, {size_.width, bins()}, name() + " magnitudes");
    device_.backend.run(Magnitude{magnitude.size(), response_.complex_data(), magnitude.data()});
    return {{"filter", name() + " filters by frequency", "channel", "frequency bin",
             magnitude.to_host(device_.backend)}};
}

SpectralMixer::SpectralMixer(Device device, std::string name, SequenceSize size, std::int64_t length,
                             std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use)
    : Layer(std::move(name), use),
      size_(size),
      convolution_(device, "convolution", size, length, max_batch, seed, stream, use),
      norm_(device, "bend", size, max_batch, LayerNormLayer::Then::gelu, use),
      output_(device, "output", size.width, size.width, max_batch * size.places, seed, stream + 1, use) {
    for (Layer* each :
         {static_cast<Layer*>(&convolution_), static_cast<Layer*>(&norm_), static_cast<Layer*>(&output_)})
        std::ranges::copy(adopt(*each), std::back_inserter(parameters_));
    const auto rows = [&](const char* what) {
        return Tensor(device, MemoryTag::activations, {max_batch, size.values()}, this->name() + " " + what);
    };
    convolved_ = rows("convolved values");
    bent_ = rows("activated values");
    if (use == Use::run) return;
    convolved_gradient_ = rows("convolved gradient");
    bent_gradient_ = rows("activated gradient");
}

void SpectralMixer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    convolution_.forward(batch, x, convolved_.data(), training);
    norm_.forward(batch, {convolved_.data(), size_.values(), nullptr}, bent_.data(), training);
    output_.forward(batch * size_.places, {bent_.data(), size_.width, nullptr}, y, training);
}

void SpectralMixer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    output_.backward(batch * size_.places, dy, bent_gradient_.data());
    norm_.backward(batch, bent_gradient_.data(), convolved_gradient_.data());
    convolution_.backward(batch, convolved_gradient_.data(), dx);
}

}  // namespace spectral
