#include "engine/spectral/pattern_dynamics.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/core/finite.hpp"
#include "engine/core/transfer.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/dynamics.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

namespace {

void require_metric(const PlaneMetric& g) {
    const double determinant = g.rows * g.columns - g.mixed * g.mixed;
    if (!(g.rows > 0) || !(determinant > 0) || !std::isfinite(determinant))
        throw BadValue("metric", "it is not positive definite",
                       "the mixed part squared must be below the product of the other two");
}

void require_at_least_zero(const char* field, double value) {
    if (!(value >= 0) || !std::isfinite(value)) throw BadValue(field, "it is no number from 0 on");
}

InverseMetric inverse(const PlaneMetric& g) {
    const double determinant = g.rows * g.columns - g.mixed * g.mixed;
    return {static_cast<float>(g.columns / determinant), static_cast<float>(-g.mixed / determinant),
            static_cast<float>(g.rows / determinant)};
}

std::int64_t rows_of(const Shape& shape) {
    if (shape.rank() < 1 || shape.rank() > 2 || shape.size() == 0)
        throw Error("pattern", "only a row or a matrix of values can be moved", "choose another one");
    return shape.rank() == 2 ? shape[0] : 1;
}

/// What a Ricci-type step is made of, for every point: the metric, and its connection of the first kind.
struct Geometry {
    std::vector<float> metric, connection;  ///< points × 2 × 2, points × 2 × 2 × 2
};

Geometry conformal(const std::vector<float>& p, std::int64_t rows, std::int64_t columns,
                   const PlaneMetric& metric) {
    const double g[2][2] = {{metric.rows, metric.mixed}, {metric.mixed, metric.columns}};
    const auto at = [&](std::int64_t r, std::int64_t c) {
        return static_cast<double>(
            p[static_cast<std::size_t>((r + rows) % rows * columns + (c + columns) % columns)]);
    };
    Geometry result;
    result.metric.reserve(4 * p.size());
    result.connection.reserve(8 * p.size());
    for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t c = 0; c < columns; ++c) {
            const double factor = std::exp(2 * at(r, c));
            const double slope[2] = {(at(r + 1, c) - at(r - 1, c)) / 2, (at(r, c + 1) - at(r, c - 1)) / 2};
            for (const auto& row : g)
                for (const double value : row) result.metric.push_back(static_cast<float>(factor * value));
            for (int l = 0; l < 2; ++l)
                for (int j = 0; j < 2; ++j)
                    for (int k = 0; k < 2; ++k)
                        result.connection.push_back(static_cast<float>(
                            factor * (slope[j] * g[l][k] + slope[k] * g[l][j] - slope[l] * g[j][k])));
        }
    }
    return result;
}

}  // namespace

PatternDynamics::PatternDynamics(Device device, const HostTensor& pattern, std::string_view holder)
    : device_(device),
      shape_(pattern.shape),
      rows_(rows_of(pattern.shape)),
      columns_(pattern.shape.size() / rows_),
      pattern_(device, MemoryTag::workspace, shape_, holder),
      moved_(device, MemoryTag::workspace, shape_, holder),
      spectrum_(device, MemoryTag::workspace, {rows_, columns_ / 2 + 1}, holder, DType::complex64) {
    if (const auto bad = first_not_finite(pattern.values))
        throw Error("pattern", "its value at " + shape_.place_text(static_cast<std::int64_t>(*bad)) +
                                   " is not a finite number");
    pattern_.assign(device.backend, pattern);
}

void PatternDynamics::move_by_heat(double time, const PlaneMetric& metric) {
    require_metric(metric);
    const SignalShape plane{2, {rows_, columns_}};
    Complex* spectrum = spectrum_.complex_data();
    device_.backend.run(Rfft{1, plane, pattern_.data(), spectrum});
    device_.backend.run(
        HeatFlow{rows_, columns_, static_cast<float>(time), inverse(metric), spectrum, spectrum});
    device_.backend.run(Irfft{1, plane, spectrum, moved_.data()});
}

void PatternDynamics::flow_heat(double time, const PlaneMetric& metric) {
    require_at_least_zero("time", time);
    move_by_heat(time, metric);
    settle(moved_.to_host(device_.backend), "time");
}

void PatternDynamics::evolve(double rate, double stability, double time, const PlaneMetric& metric) {
    require_at_least_zero("rate", rate);
    require_at_least_zero("stability", stability);
    if (!(time > 0) || !std::isfinite(time)) throw BadValue("time", "it is no number above 0");
    move_by_heat(time, metric);
    // Per unit of time: with the rate.
    device_.backend.run(AddScaled{shape_.size(), -1, moved_.data(), pattern_.data(), moved_.data()});
    device_.backend.run(EvolvePattern{shape_.size(), static_cast<float>(rate / time),
                                      static_cast<float>(stability), pattern_.data(), moved_.data(),
                                      moved_.data()});
    settle(moved_.to_host(device_.backend), "rate");
}

void PatternDynamics::step_ricci(double rate, const PlaneMetric& metric) {
    require_at_least_zero("rate", rate);
    require_metric(metric);
    const std::vector<float> before = pattern().values;
    const Geometry geometry = conformal(before, rows_, columns_, metric);
    const Buffer g = upload(device_, geometry.metric, MemoryTag::workspace, "metric of a pattern");
    const Buffer connection =
        upload(device_, geometry.connection, MemoryTag::workspace, "connection of a pattern");
    const Tensor change(device_, MemoryTag::workspace, {shape_.size(), 4}, "change of a pattern's metric");
    device_.backend.run(RicciStep{shape_.size(), 2, false, static_cast<float>(rate), g.as<float>(),
                                  connection.as<float>(), change.data()});
    const std::vector<float> out = change.to_host(device_.backend).values;
    const InverseMetric raised = inverse(metric);
    HostTensor after{shape_, before};
    for (std::size_t i = 0; i < before.size(); ++i) {
        const float* o = out.data() + 4 * i;
        const float trace = raised.rows * o[0] + raised.mixed * (o[1] + o[2]) + raised.columns * o[3];
        after.values[i] += trace * std::exp(-2 * before[i]) / 4;
    }
    settle(after, "rate");
}

void PatternDynamics::settle(const HostTensor& after, const char* field) {
    if (!all_finite(after.values))
        throw BadValue(field, "the pattern would grow beyond all numbers", "take a smaller one");
    pattern_.assign(device_.backend, after);
}

HostTensor PatternDynamics::pattern() const { return pattern_.to_host(device_.backend); }

PatternMeasures PatternDynamics::measure() const {
    const SignalShape plane{2, {rows_, columns_}};
    device_.backend.run(Rfft{1, plane, pattern_.data(), spectrum_.complex_data()});
    const auto bins = download<Complex>(device_.backend, spectrum_.complex_data(), spectrum_.size());
    const std::int64_t half = columns_ / 2 + 1;
    std::vector<double> energies;  // of the bins of the whole spectrum
    for (std::size_t i = 0; i < bins.size(); ++i) {
        const std::int64_t column = static_cast<std::int64_t>(i) % half;
        const double energy = std::norm(std::complex<double>(bins[i]));
        energies.push_back(energy);
        if (column > 0 && 2 * column != columns_) energies.push_back(energy);  // its mirror, not stored
    }
    double total = 0, largest = 0, smallest = std::numeric_limits<double>::infinity();
    for (const double energy : energies) {
        total += energy;
        largest = std::max(largest, energy);
        if (energy > 0) smallest = std::min(smallest, energy);
    }
    PatternMeasures result;
    result.energy = total / static_cast<double>(shape_.size());
    if (total == 0) return result;
    for (const double energy : energies)
        if (energy > 0) result.entropy -= energy / total * std::log(energy / total);
    result.height = std::log(largest / smallest) / 2;
    return result;
}

}  // namespace spectral
