#include "engine/compress/spectrum_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "engine/compress/basis.hpp"
#include "engine/compress/gram.hpp"
#include "engine/compress/packers.hpp"

namespace spectral {

namespace {

constexpr double kLowShare = 0.1;
/// Above, their Gram matrix takes too long beside everything else that is shown.
constexpr std::int64_t kMostForRank = std::int64_t{1} << 25;

/// One stored coefficient.
struct Bin {
    float distance = 0;  ///< from frequency zero; as a float, so that rounding keeps no equal ones apart
    float weight = 1;    ///< frequencies that it stands for
    double energy = 0;   ///< of each
};

std::vector<Bin> bins_of(Device device, const HostTensor& dense, const Basis& basis) {
    const std::vector<float> coefficients = basis.forward(device, dense);
    const Shape half = basis.transform_shape();
    std::vector<Bin> bins(static_cast<std::size_t>(basis.size()));
    std::array<std::int64_t, kMaxRank> k{};
    for (std::size_t i = 0; i < bins.size(); ++i) {
        double squares = 0;
        for (int axis = 0; axis < half.rank(); ++axis) {
            const std::int64_t at = k[static_cast<std::size_t>(axis)], n = dense.shape[axis];
            const double f = static_cast<double>(std::min(at, n - at)) / static_cast<double>(n);
            squares += f * f;
        }
        const double re = coefficients[2 * i], im = coefficients[2 * i + 1];
        bins[i] = {static_cast<float>(squares),
                   static_cast<float>(basis.energy_weight(static_cast<std::int64_t>(i))), re * re + im * im};
        for (int axis = half.rank(); axis-- > 0;) {
            auto& at = k[static_cast<std::size_t>(axis)];
            if (++at < half[axis]) break;
            at = 0;
        }
    }
    return bins;
}

/// Of `bins` those nearest to zero until they are `count` frequencies; sorts them.
double low_energy(std::vector<Bin>& bins, double count) {
    std::ranges::sort(bins, {}, &Bin::distance);
    double sum = 0;
    for (std::size_t first = 0; first < bins.size() && count > 0;) {
        double energy = 0, weight = 0;
        std::size_t i = first;
        for (; i < bins.size() && bins[i].distance == bins[first].distance; ++i) {
            energy += static_cast<double>(bins[i].weight) * bins[i].energy;
            weight += static_cast<double>(bins[i].weight);
        }
        sum += energy * std::min(1.0, count / weight);
        count -= weight;
        first = i;
    }
    return sum;
}

/// −Σ weight·p·ln p of p = part/whole.
double surprise(double part, double whole, double weight) {
    return part > 0 ? -weight * part / whole * std::log(part / whole) : 0;
}

double effective_rank(const HostTensor& dense) {
    const Eigen::VectorXd squares = gram_spectrum(wide_matrix(dense), GramVectors::no).values;
    const double whole = squares.sum();
    double entropy = 0;
    for (const double square : squares) entropy += surprise(square, whole, 1);
    return std::exp(entropy);
}

}  // namespace

std::optional<SpectrumStatistics> spectrum_statistics(Device device, const HostTensor& dense) {
    if (dense.shape.rank() == 0 || dense.shape.size() == 0) return std::nullopt;
    bool any = false;
    for (const float value : dense.values) {
        if (!std::isfinite(value)) return std::nullopt;
        any = any || value != 0;
    }
    if (!any) return std::nullopt;

    BasisChoice transform;
    transform.kind = BasisKind::fft;
    const Basis basis(dense.shape, transform);
    const auto values = static_cast<std::size_t>(dense.shape.size());
    const Reservation room = device.budget.reserve(
        MemoryTag::workspace, static_cast<std::size_t>(basis.size()) * (sizeof(Bin) + 2 * sizeof(float)),
        "statistics of a spectrum");
    std::vector<Bin> bins = bins_of(device, dense, basis);
    double whole = 0, entropy = 0;
    for (const Bin& bin : bins) whole += static_cast<double>(bin.weight) * bin.energy;
    if (!(whole > 0) || !std::isfinite(whole)) return std::nullopt;
    for (const Bin& bin : bins) entropy += surprise(bin.energy, whole, static_cast<double>(bin.weight));

    SpectrumStatistics result;
    const auto count = static_cast<double>(values);
    result.entropy = values > 1 ? entropy / std::log(count) : 0;
    result.low_energy = low_energy(bins, std::max(1.0, kLowShare * count)) / whole;
    const std::int64_t rows = dense.shape[0], side = std::min(rows, dense.shape.size() / rows);
    if (side <= kLargestSvdSide && dense.shape.size() <= kMostForRank) {
        const Reservation matrix =
            device.budget.reserve(MemoryTag::workspace, values * sizeof(double), "statistics of a spectrum");
        result.effective_rank = effective_rank(dense);
    }
    return result;
}

}  // namespace spectral
