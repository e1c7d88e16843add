#include "engine/nn/filter_patterns.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <optional>
#include <utility>

#include "engine/nn/tile_sheet.hpp"

namespace spectral {

namespace {

using ValueAt = std::function<float(std::int64_t filter, std::int64_t row, std::int64_t column)>;

constexpr std::int64_t kAcross = 4;  ///< tiles in a row of them

HostTensor sheet(std::int64_t count, std::int64_t rows, std::int64_t columns, const ValueAt& value) {
    const std::int64_t across = std::min(count, kAcross), down = (count + across - 1) / across;
    TileSheet result(down, across, rows, columns);
    std::vector<float> tile(static_cast<std::size_t>(rows * columns));
    for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t at = 0; at < rows * columns; ++at)
            tile[static_cast<std::size_t>(at)] = value(i, at / columns, at % columns);
        result.put(i / across, i % across, tile.data());
    }
    return result.take();
}

/// What stands at place i of n when 0 is moved to n/2.
std::int64_t centred(std::int64_t i, std::int64_t n) { return (i - n / 2 + n) % n; }

}  // namespace

std::vector<PatternSnapshot::Matrix> filter_patterns(const SignalShape& signal, const std::string& parameter,
                                                     std::int64_t apart, const HostTensor& filters,
                                                     const HostTensor& kernels) {
    const std::int64_t count = filters.shape[0], bins = signal.spectrum_size();
    const std::int64_t columns = signal.extent[static_cast<std::size_t>(signal.rank - 1)],
                       half = columns / 2 + 1;
    const auto filter = [&](std::int64_t i, std::int64_t f) {
        const auto at = static_cast<std::size_t>(2 * (i * bins + f));
        return std::complex<float>(filters.values[at], filters.values[at + 1]);
    };
    const auto kernel = [&](std::int64_t i, std::int64_t n) {
        return kernels.values[static_cast<std::size_t>(i * signal.size() + n)];
    };
    PatternOrigin origin{parameter, 1, columns};
    origin.spectra = true;
    for (std::int64_t i = 0; i < count; ++i) origin.first.push_back(i * apart);
    if (signal.rank == 1) {
        const auto rows = [&](std::int64_t width, const ValueAt& value) {
            HostTensor result{Shape{count, width}, {}};
            for (std::int64_t i = 0; i < count; ++i)
                for (std::int64_t c = 0; c < width; ++c) result.values.push_back(value(i, 0, c));
            return result;
        };
        return {
            {"filter_magnitude", "Magnitudes of the filters", "channel", "frequency bin",
             rows(bins, [&](auto i, auto, auto f) { return std::abs(filter(i, f)); })},
            {"filter_phase", "Phases of the filters, radians", "channel", "frequency bin",
             rows(bins, [&](auto i, auto, auto f) { return std::arg(filter(i, f)); })},
            {"filter_kernel", "Filters in time", "channel", "sample",
             rows(columns, [&](auto i, auto, auto c) { return kernel(i, centred(c, columns)); }), origin}};
    }
    const std::int64_t height = signal.extent[static_cast<std::size_t>(signal.rank - 2)];
    origin.rows = height;
    origin.across = std::min(count, kAcross);
    origin.gap = 1;
    /// The half that is not stored is the conjugate at the opposite frequency.
    const auto at_frequency = [&](std::int64_t i, std::int64_t r, std::int64_t c) {
        const std::int64_t u = centred(r, height), v = centred(c, columns);
        return v < half ? filter(i, u * half + v)
                        : std::conj(filter(i, (height - u) % height * half + columns - v));
    };
    return {{"filter_magnitude", "Magnitudes of the filters, frequency 0 in the middle", "row", "column",
             sheet(count, height, columns,
                   [&](auto i, auto r, auto c) { return std::abs(at_frequency(i, r, c)); })},
            {"filter_phase", "Phases of the filters, radians", "row", "column",
             sheet(count, height, columns,
                   [&](auto i, auto r, auto c) { return std::arg(at_frequency(i, r, c)); })},
            {"filter_kernel", "Filters in space, the origin in the middle", "row", "column",
             sheet(count, height, columns,
                   [&](auto i, auto r, auto c) {
                       return kernel(i, centred(r, height) * columns + centred(c, columns));
                   }),
             signal.rank == 2 ? std::optional(origin) : std::nullopt}};  // of a volume a slice is shown
}

std::vector<float> spectrum_of_shown(Device device, const HostTensor& kernel) {
    const bool image = kernel.shape.rank() == 2;
    const std::int64_t rows = image ? kernel.shape[0] : 1, columns = kernel.shape.size() / rows;
    HostTensor uncentred{Shape{rows, columns}, std::vector<float>(kernel.values.size())};
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c)
            uncentred.values[static_cast<std::size_t>(centred(r, rows) * columns + centred(c, columns))] =
                kernel.values[static_cast<std::size_t>(r * columns + c)];
    const SignalShape signal = image ? SignalShape{2, {rows, columns}} : SignalShape{1, {columns}};
    Tensor space(device, MemoryTag::workspace, uncentred.shape, "kernel to write back");
    const Tensor spectrum(device, MemoryTag::workspace, {signal.spectrum_size(), 2},
                          "spectrum to write back");
    space.assign(device.backend, uncentred);
    device.backend.run(Rfft{1, signal, space.data(), reinterpret_cast<Complex*>(spectrum.data())});
    return spectrum.to_host(device.backend).values;
}

}  // namespace spectral
