#include "engine/compress/method.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "engine/compress/packers.hpp"
#include "engine/core/finite.hpp"

namespace spectral {

namespace {

constexpr std::int64_t kTile = 16;

constexpr double kRateStep = 0.84089641525371454;  // 2^(-1/4)
constexpr double kFewestBytes = 48;

template <BasisKind kKind, ValueCoding kValues>
std::unique_ptr<Packer> in_basis(Device device, const HostTensor& dense, const std::string& name,
                                 const PackOptions& options) {
    return make_basis_packer(device, dense, name, {kKind, Support::listed, kValues}, options);
}

std::unique_ptr<Packer> in_tiles(Device device, const HostTensor& dense, const std::string& name,
                                 const PackOptions& options) {
    PackOptions tiled = options;
    tiled.basis = tiled_choice(dense.shape, BasisKind::fft, kTile);
    return make_basis_packer(device, dense, name, {BasisKind::fft, Support::listed, ValueCoding::f16}, tiled);
}

template <ValueCoding kValues>
std::unique_ptr<Packer> in_place(Device device, const HostTensor& dense, const std::string& name,
                                 const PackOptions& options) {
    return make_basis_packer(device, dense, name, {BasisKind::identity, Support::all, kValues}, options);
}

std::unique_ptr<Packer> in_box(Device device, const HostTensor& dense, const std::string& name,
                               const PackOptions& options) {
    return make_basis_packer(device, dense, name, {BasisKind::fft, Support::box, ValueCoding::f16}, options);
}

std::unique_ptr<Packer> low_rank(Device device, const HostTensor& dense, const std::string& name,
                                 const PackOptions&) {
    return make_low_rank_packer(device, dense, name, ValueCoding::f16);
}

}  // namespace

void require_packable(const HostTensor& dense) {
    const auto refuse = [&](const std::string& why, const std::string& hint) {
        throw Error(fmt::format("tensor of {}", dense.shape.text()), why, hint);
    };
    if (dense.shape.rank() < 1) refuse("a single number is not compressed", "leave it as it is");
    if (dense.shape.size() == 0) refuse("an axis is empty", "leave it out");
    if (const auto bad = first_not_finite(dense.values))
        refuse(fmt::format("the value at [{}] is {}", dense.shape.place_text(static_cast<std::int64_t>(*bad)),
                           dense.values[*bad]),
               "compress finite values only");
    // A transform adds up to all values.
    const auto peak = std::ranges::max_element(dense.values, {}, [](float value) { return std::abs(value); });
    const double sum = std::abs(static_cast<double>(*peak)) * static_cast<double>(dense.shape.size());
    if (sum > static_cast<double>(std::numeric_limits<float>::max()))
        refuse(fmt::format("the value at [{}] is {:g}, so large that sums of such values are infinite",
                           dense.shape.place_text(peak - dense.values.begin()), *peak),
               "scale the weights");
}

std::unique_ptr<Packer> Method::prepare(Device device, const HostTensor& dense,
                                        const PackOptions& options) const {
    require_packable(dense);
    return make(device, dense, name, options);
}

const std::vector<Method>& method_registry() {
    using enum BasisKind;
    using enum ValueCoding;
    static const std::vector<Method> methods{
        {"fft", "FFT", "the largest coefficients of the real Fourier transform, 16 bits a part",
         in_basis<fft, f16>, false, true, true},
        {"fft-int8", "FFT, 8-bit", "the same with parts of 8 bits, a scale for every 64", in_basis<fft, int8>,
         false, true, true},
        {"fft-int4", "FFT, 4-bit", "the same with parts of 4 bits, a scale for every 64", in_basis<fft, int4>,
         false, true, true},
        {"fft-box", "FFT, low frequencies", "all coefficients of low frequency, without indices", in_box,
         false, true, true},
        {"dct", "DCT", "the largest coefficients of the cosine transform, 16 bits each", in_basis<dct, f16>,
         false, true, true},
        {"dct-int8", "DCT, 8-bit", "the same with 8 bits, a scale for every 64", in_basis<dct, int8>, false,
         true, true},
        {"dct-int4", "DCT, 4-bit", "the same with 4 bits, a scale for every 64", in_basis<dct, int4>, false,
         true, true},
        {"block-fft", "FFT of tiles", "the largest coefficients of tiles, each transformed alone", in_tiles,
         false, true, true},
        {"random-basis", "Random basis",
         "the largest coefficients in a basis without meaning: what a transform must beat",
         in_basis<random, f16>, true},
        {"magnitude", "Magnitude", "the largest weights themselves, 16 bits each", in_basis<identity, f16>},
        {"svd", "SVD", "the largest singular values, factors of 16 bits", low_rank},
        {"f16", "16-bit", "every weight as a 16-bit float", in_place<f16>, false, false},
        {"int8", "8-bit", "every weight as 8 bits, a scale for every 64", in_place<int8>, false, false},
        {"int4", "4-bit", "every weight as 4 bits, a scale for every 64", in_place<int4>, false, false},
    };
    return methods;
}

const Method& find_method(std::string_view name) {
    const std::vector<Method>& methods = method_registry();
    const auto found = std::ranges::find(methods, name, &Method::name);
    if (found != methods.end()) return *found;
    throw BadValue("method", fmt::format("'{}' is unknown", name), "use one of: " + storable_methods());
}

std::string storable_methods() {
    std::string names;
    for (const Method& each : method_registry())
        if (!each.is_null) names += (names.empty() ? "" : ", ") + each.name;
    return names;
}

bool is_practical(const Method& method, const Shape& shape) {
    const std::int64_t side = std::min(shape[0], shape.size() / shape[0]);
    if (method.name == "svd") return side > 1 && side <= kLargestSvdSide;
    if (method.name == "block-fft") return side > 1;
    return true;
}

std::int64_t step_within(const Packer& packer, std::size_t bytes) {
    std::int64_t fits = 0, most = packer.steps();
    while (fits < most) {
        const std::int64_t middle = fits + (most - fits + 1) / 2;
        if (packer.bytes(middle) <= bytes)
            fits = middle;
        else
            most = middle - 1;
    }
    return fits;
}

std::optional<std::int64_t> step_for_error(const Packer& packer, double error) {
    std::int64_t low = 1, high = packer.steps();
    if (packer.pack(high).relative_error > error) return std::nullopt;
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        if (packer.pack(middle).relative_error <= error)
            high = middle;
        else
            low = middle + 1;
    }
    return high;
}

std::vector<std::int64_t> spread_steps(const Packer& packer, const Shape& shape) {
    std::vector<std::int64_t> steps;
    for (double bytes = 0.5 * sizeof(float) * static_cast<double>(shape.size()); bytes >= kFewestBytes;
         bytes *= kRateStep) {
        const std::int64_t step = step_within(packer, static_cast<std::size_t>(bytes));
        if (step == 0) break;
        if (steps.empty() || step != steps.back()) steps.push_back(step);
    }
    if (steps.empty() || steps.back() != 1) steps.push_back(1);
    return steps;
}

std::vector<EnergyPoint> noise_energies(int parts, double least_kept, std::int64_t points) {
    std::vector<EnergyPoint> curve;
    const auto above = [](double t) { return std::erfc(t / std::numbers::sqrt2); };
    double most = 0;  // the threshold that leaves least_kept
    while (parts == 1 && above(most) > least_kept) most += 0.01;
    for (std::int64_t i = 0; i < points; ++i) {
        const double along =
            static_cast<double>(i) / static_cast<double>(std::max<std::int64_t>(points - 1, 1));
        if (parts == 2) {
            const double p = std::pow(least_kept, 1 - along);
            curve.push_back({p, p * (1 - std::log(p))});
        } else {
            const double t = most * (1 - along), p = above(t);
            curve.push_back({p, p + t * std::sqrt(2 * std::numbers::inv_pi) * std::exp(-0.5 * t * t)});
        }
    }
    return curve;
}

double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
    double difference = 0, whole = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = a[i], d = x - static_cast<double>(b[i]);
        difference += d * d;
        whole += x * x;
    }
    return whole > 0 ? std::sqrt(difference / whole) : 0;
}

}  // namespace spectral
