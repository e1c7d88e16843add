#include "engine/nn/spectral_pool_layer.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <tuple>
#include <utility>

#include "engine/core/transfer.hpp"
#include "engine/spectral/half_spectrum.hpp"
#include "engine/spectral/spectral_pooling.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

namespace {

/// Coefficients of maps that are worked on at a time: more would leave the cache between the steps.
constexpr std::int64_t kWorkingSet = 1 << 18;

SignalShape signal_of(const FeatureMaps& maps) {
    SignalShape signal{maps.rank, {}};
    std::copy_n(maps.space.begin(), maps.rank, signal.extent.begin());
    return signal;
}

Shape shape_of(const SignalShape& signal) {
    return Shape(std::span(signal.extent.data(), static_cast<std::size_t>(signal.rank)));
}

FeatureMaps with_space(FeatureMaps maps, const SpaceExtents& space) {
    maps.space = space;
    return maps;
}

}  // namespace

SpectralPoolLayer::SpectralPoolLayer(Device device, std::string name, const FeatureMaps& input,
                                     const SpaceExtents& space, std::int64_t max_batch, Use use)
    : Layer(std::move(name), use),
      device_(device),
      input_(input),
      output_(with_space(input, space)),
      fine_(signal_of(input)),
      coarse_(signal_of(output_)) {
    const HalfSpectrum fine(shape_of(fine_)), coarse(shape_of(coarse_));
    std::vector<std::uint32_t> all(static_cast<std::size_t>(fine.size()));
    std::iota(all.begin(), all.end(), 0U);
    // The inverse transform takes the stored half for all there is: what stands for its mirror counts twice.
    std::vector<Entry> entries, transposed;
    for (const PooledCoefficient& each : pooled_coefficients(fine, all, coarse)) {
        const std::uint32_t twice = coarse.energy_weight(each.place) == 2 ? kTwice : 0,
                            conjugate = each.source & kConjugateInput, source = each.source & kColumnMask;
        entries.push_back({each.place, source | conjugate | twice});
        if (use == Use::train) transposed.push_back({source, each.place | conjugate | twice});
    }
    forward_ = make_frequencies(std::move(entries), coarse.size(), fine.size());
    if (use == Use::train) backward_ = make_frequencies(std::move(transposed), fine.size(), coarse.size());
    scale_ = upload(device, std::vector<Complex>{1 / static_cast<float>(fine.values())},
                    MemoryTag::activations, this->name());
    most_maps_ = std::clamp<std::int64_t>(kWorkingSet / fine.size(), 1,
                                          std::max<std::int64_t>(1, max_batch * input.channels));
    const auto spectra = [&](std::int64_t size) {
        return Tensor(device, MemoryTag::workspace, {size}, this->name() + " spectra", DType::complex64);
    };
    from_ = spectra(most_maps_ * fine.size());
    to_ = spectra(most_maps_ * fine.size());
    scratch_ = spectra(SparseMatMul::scratch_size(most_maps_, coarse.size(), fine.size()));
}

Json SpectralPoolLayer::config() const { return {{"input", input_.text()}, {"output", output_.text()}}; }

SpectralPoolLayer::Frequencies SpectralPoolLayer::make_frequencies(std::vector<Entry> entries,
                                                                   std::int64_t rows, std::int64_t columns) {
    std::ranges::sort(entries, {},
                      [](const Entry& e) { return std::tuple(e.row, e.place & kColumnMask, e.place); });
    std::vector<std::uint32_t> row_start(static_cast<std::size_t>(rows) + 1), place;
    for (const Entry& entry : entries) {
        ++row_start[entry.row + 1];
        place.push_back(entry.place);
    }
    std::partial_sum(row_start.begin(), row_start.end(), row_start.begin());
    const auto put = [&](const std::vector<std::uint32_t>& values) {
        return upload(device_, values, MemoryTag::activations, name());
    };
    Frequencies result{put(row_start), put(place), put(std::vector<std::uint32_t>(place.size())), {}};
    result.rows = {rows,
                   columns,
                   std::ssize(place),
                   result.row_start.as<std::uint32_t>(),
                   result.place.as<std::uint32_t>(),
                   result.value.as<std::uint32_t>()};
    return result;
}

void SpectralPoolLayer::resample(std::int64_t maps, const SignalShape& from, const SignalShape& to,
                                 const Frequencies& frequencies, const float* x, float* y) {
    Backend& backend = device_.backend;
    for (std::int64_t first = 0; first < maps; first += most_maps_) {
        const std::int64_t count = std::min(most_maps_, maps - first);
        backend.run(Rfft{count, from, x + first * from.size(), from_.complex_data()});
        backend.run(SparseMatMul{count, frequencies.rows, scale_.as<Complex>(), from_.complex_data(),
                                 to_.complex_data(), scratch_.complex_data()});
        backend.run(RfftBackward{count, to, to_.complex_data(), y + first * to.size(), from_.complex_data()});
    }
}

void SpectralPoolLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool /*training*/) {
    assert(!x.rows && x.stride == inputs());
    resample(batch * input_.channels, fine_, coarse_, forward_, x.x, y);
}

void SpectralPoolLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    if (dx != nullptr) resample(batch * input_.channels, coarse_, fine_, backward_, dy, dx);
}

}  // namespace spectral
