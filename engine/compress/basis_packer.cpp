// The largest coefficients in a basis, or those of low frequency, or all.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine/compress/packers.hpp"
#include "kernels/ops/select.hpp"

namespace spectral {

namespace {

/// Tensors up to this size have every sensible choice of view and axes tried.
constexpr std::int64_t kMaxTried = std::int64_t{1} << 22;
/// At this share of its degrees of freedom.
constexpr double kTriedAt = 0.1;
/// Rates of the low-frequency box.
constexpr std::int64_t kBoxSteps = 64;

double squared(double value) { return value * value; }

/// |c|² of coefficient i.
double energy(const std::vector<float>& coefficients, int parts, std::int64_t i) {
    double sum = 0;
    for (int part = 0; part < parts; ++part)
        sum += squared(coefficients[static_cast<std::size_t>(i * parts + part)]);
    return sum;
}

/// Energy that the largest coefficients of so many degrees of freedom hold.
double concentrated(const Basis& basis, const std::vector<float>& coefficients, std::int64_t freedom) {
    std::vector<std::pair<double, int>> units;
    for (std::int64_t i = 0; i < basis.size(); ++i)
        if (const int free = basis.freedom(i); free > 0)
            units.emplace_back(energy(coefficients, basis.parts(), i), free);
    std::ranges::sort(units, std::greater<>{});
    double sum = 0;
    for (const auto& [value, free] : units) {
        if (freedom <= 0) break;
        sum += value * free;
        freedom -= free;
    }
    return sum;
}

struct Transformed {
    Basis basis;
    std::vector<float> coefficients;
};

Transformed transform(Device device, const HostTensor& dense, const BasisChoice& choice) {
    Basis basis(dense.shape, choice);
    std::vector<float> coefficients = basis.forward(device, dense);
    return {std::move(basis), std::move(coefficients)};
}

/// The choice given, or those worth trying; each also in the order given, of either side and of both.
std::vector<BasisChoice> choices_for(const Shape& shape, BasisKind kind, const PackOptions& options) {
    std::vector<BasisChoice> choices;
    if (options.basis && axes_fit(*options.basis, shape)) {
        choices.push_back(*options.basis);
        choices.front().kind = kind;
    } else {
        choices = sensible_choices(shape, kind);
        if (shape.size() > kMaxTried) choices.resize(1);
    }
    if (kind != BasisKind::fft && kind != BasisKind::dct) return choices;
    const MatrixOrder &both = options.order, rows{both.rows, {}}, columns{{}, both.columns};
    const std::size_t plain = choices.size();
    for (const MatrixOrder* order : {&both, &rows, &columns}) {
        const bool is_other = order == &both || !(*order == both);
        for (std::size_t i = 0; i < plain && !order->empty() && is_other; ++i) {
            choices.push_back(choices[i]);
            choices.back().order = *order;
        }
    }
    return choices;
}

Transformed best_transform(Device device, const HostTensor& dense, BasisKind kind, ValueCoding values,
                           const PackOptions& options) {
    const std::vector<BasisChoice> choices = choices_for(dense.shape, kind, options);
    Transformed best = transform(device, dense, choices.front());
    if (choices.size() == 1) return best;
    // What an order costs is taken from what is kept: a number and about a byte of its index each.
    const double bytes_each = 1 + static_cast<double>(coded_value_bytes(values, kScaleBlock)) / kScaleBlock;
    const auto concentration = [&](const Transformed& each) {
        const double paid = static_cast<double>(each.basis.choice().order.bytes()) / bytes_each;
        const double freedom = kTriedAt * static_cast<double>(dense.shape.size()) - paid;
        return concentrated(each.basis, each.coefficients, std::max<std::int64_t>(1, std::llround(freedom)));
    };
    double held = concentration(best);
    for (std::size_t i = 1; i < choices.size(); ++i) {
        Transformed other = transform(device, dense, choices[i]);
        const double holds = concentration(other);
        if (holds <= held) continue;
        held = holds;
        best = std::move(other);
    }
    return best;
}

class BasisPacker final : public Packer {
public:
    BasisPacker(Transformed transformed, const BasisMethod& method, std::string name,
                std::optional<IndexCoding> index_coding)
        : basis_(std::move(transformed.basis)),
          coefficients_(std::move(transformed.coefficients)),
          method_(method),
          name_(std::move(name)),
          index_coding_(index_coding) {
        for (std::int64_t i = 0; i < basis_.size(); ++i)
            total_ += basis_.energy_weight(i) * energy(coefficients_, basis_.parts(), i);
        if (method_.support == Support::listed) rank_coefficients();
    }

    std::int64_t steps() const override {
        if (method_.support == Support::all) return 1;
        return method_.support == Support::box ? kBoxSteps : std::ssize(order_);
    }

    std::int64_t step_at(double density) const override {
        if (method_.support == Support::all) return 1;
        const double wanted = std::max(1.0, std::round(density * static_cast<double>(basis_.shape().size())));
        if (method_.support == Support::box) {
            std::int64_t step = 1;
            while (step < kBoxSteps && freedom(step + 1) <= wanted) ++step;
            return step;
        }
        const auto more = std::ranges::upper_bound(spent_, static_cast<std::uint32_t>(wanted));
        return std::max<std::int64_t>(1, more - spent_.begin());
    }

    std::size_t bytes(std::int64_t step) const override {
        const std::vector<std::uint32_t> indices = kept(step);
        std::size_t sum = basis_.choice().order.bytes() +
                          coded_value_bytes(method_.values, std::ssize(indices) * basis_.parts());
        if (method_.support == Support::listed)
            sum += coded_index_bytes(coding_of(indices), indices, basis_.size());
        return sum;
    }

    Stored store(std::int64_t step) const override {
        const std::vector<std::uint32_t> indices = kept(step);
        PackedList list;
        list.support = method_.support;
        list.count = std::ssize(indices);
        if (method_.support == Support::box) list.box = box_at(step);
        if (method_.support == Support::listed) {
            list.index_coding = coding_of(indices);
            list.indices = encode_indices(list.index_coding, indices, basis_.size());
        }
        list.value_coding = method_.values;
        CodedValues coded = encode_values(method_.values, numbers_at(indices));
        list.scale = coded.scale;
        list.values = std::move(coded.bytes);

        Stored stored;
        stored.kept = freedom(step) / static_cast<double>(basis_.shape().size());
        stored.decoded = in_places(basis_, indices, kept_numbers(list, basis_));
        PackedTensor& tensor = stored.packed;
        tensor.method = name_;
        tensor.shape = basis_.shape();
        tensor.basis = basis_.choice();
        tensor.relative_error = error(stored.decoded);
        tensor.lists.push_back(std::move(list));
        return stored;
    }

    std::vector<EnergyPoint> energies(std::int64_t points) const override {
        std::vector<EnergyPoint> curve;
        const auto size = static_cast<double>(basis_.shape().size());
        const auto share = [&](double held) { return total_ > 0 ? std::min(1.0, held / total_) : 1.0; };
        if (method_.support == Support::all) return {{1, 1}};
        if (method_.support == Support::box) {
            for (std::int64_t step = 1; step <= kBoxSteps; ++step) {
                const std::vector<std::uint32_t> indices = kept(step);
                double held = 0;
                for (const std::uint32_t i : indices)
                    held += basis_.energy_weight(i) * energy(coefficients_, basis_.parts(), i);
                curve.push_back({freedom(step) / size, share(held)});
            }
            return curve;
        }
        // As far apart on a logarithmic axis: most of the energy is in few coefficients.
        const double apart = std::log(static_cast<double>(order_.size())) / static_cast<double>(points);
        double held = 0, free = 0, next = 0;
        for (std::size_t i = 0; i < order_.size(); ++i) {
            // Of a real coefficient once; of a complex one as often as it is there, itself or its mirror.
            const int times = basis_.freedom(order_[i]);
            held += times * energy(coefficients_, basis_.parts(), order_[i]);
            free += times;
            if (std::log(static_cast<double>(i + 1)) < next && i + 1 < order_.size()) continue;
            next = std::log(static_cast<double>(i + 1)) + apart;
            curve.push_back({free / size, share(held)});
        }
        return curve;
    }

    const Basis* basis() const override { return &basis_; }
    const std::vector<float>& coefficients() const override { return coefficients_; }

private:
    double freedom(std::int64_t step) const {
        if (method_.support == Support::all) return static_cast<double>(basis_.shape().size());
        if (method_.support == Support::box) return static_cast<double>(box_freedom(basis_, box_at(step)));
        return spent_[static_cast<std::size_t>(step - 1)];
    }

    /// By falling energy, ties by the lower index; as TopK compares, in float32.
    void rank_coefficients() {
        std::vector<std::uint32_t> keys(static_cast<std::size_t>(basis_.size()));
        for (std::int64_t i = 0; i < basis_.size(); ++i) {
            if (basis_.freedom(i) == 0) continue;
            const auto at = static_cast<std::size_t>(i);
            keys[at] =
                energy_key(basis_.parts() == 2 ? Complex{coefficients_[2 * at], coefficients_[2 * at + 1]}
                                               : Complex{coefficients_[at], 0});
            order_.push_back(static_cast<std::uint32_t>(i));
        }
        std::ranges::stable_sort(order_, std::greater<>{}, [&](std::uint32_t i) { return keys[i]; });
        std::uint32_t spent = 0;
        for (const std::uint32_t i : order_) spent_.push_back(spent += basis_.freedom(i));
        place_.assign(keys.size(), static_cast<std::uint32_t>(keys.size()));
        for (std::size_t i = 0; i < order_.size(); ++i) {
            place_[order_[i]] = static_cast<std::uint32_t>(i);
            if (const auto mirror = basis_.mirror(order_[i]))
                place_[static_cast<std::size_t>(*mirror)] = static_cast<std::uint32_t>(i);
        }
    }

    std::vector<std::int64_t> box_at(std::int64_t step) const {
        std::vector<std::int64_t> box;
        const Shape shape = basis_.transform_shape();
        for (int axis = 0; axis < shape.rank(); ++axis) {
            const std::int64_t most = axis + 1 < shape.rank() ? shape[axis] / 2 : shape[axis] - 1;
            box.push_back((most * step + kBoxSteps - 1) / kBoxSteps);
        }
        return box;
    }

    /// Ascending, with both members of stored conjugate pairs.
    std::vector<std::uint32_t> kept(std::int64_t step) const {
        if (method_.support == Support::box) return box_indices(basis_, box_at(step));
        std::vector<std::uint32_t> indices(static_cast<std::size_t>(basis_.size()));
        if (method_.support == Support::all) {
            std::iota(indices.begin(), indices.end(), 0U);
            return indices;
        }
        // Which are kept follows no pattern that the processor could foresee: no branch on it.
        const auto limit = static_cast<std::uint32_t>(step);
        std::size_t count = 0;
        for (std::uint32_t i = 0; i < place_.size(); ++i) {
            indices[count] = i;
            count += place_[i] < limit ? 1U : 0U;
        }
        indices.resize(count);
        return indices;
    }

    std::vector<float> numbers_at(const std::vector<std::uint32_t>& indices) const {
        const auto parts = static_cast<std::size_t>(basis_.parts());
        std::vector<float> numbers(indices.size() * parts);
        for (std::size_t j = 0; j < indices.size(); ++j) {
            const float* from = coefficients_.data() + indices[j] * parts;
            numbers[j * parts] = from[0];
            if (parts == 2) numbers[j * parts + 1] = from[1];
        }
        return numbers;
    }

    IndexCoding coding_of(const std::vector<std::uint32_t>& indices) const {
        return index_coding_ ? *index_coding_ : smallest_index_coding(indices, basis_.size());
    }

    /// By Parseval, of the coefficients as they will be unpacked.
    double error(const std::vector<float>& stored) const {
        if (total_ <= 0) return 0;
        const auto parts = static_cast<std::size_t>(basis_.parts());
        // Real and imaginary parts apart: two sums that do not wait for each other.
        std::array<double, 2> lost{};
        for (std::size_t at = 0; at < stored.size();)
            for (const std::uint8_t weight : basis_.line_weights())
                for (std::size_t part = 0; part < parts; ++part, ++at)
                    lost[part] += weight * squared(static_cast<double>(coefficients_[at]) -
                                                   static_cast<double>(stored[at]));
        return std::sqrt((lost[0] + lost[1]) / total_);
    }

    Basis basis_;
    std::vector<float> coefficients_;
    BasisMethod method_;
    std::string name_;
    std::optional<IndexCoding> index_coding_;
    double total_ = 0;
    std::vector<std::uint32_t> order_;  ///< listed: those kept alone or for a pair, by energy
    std::vector<std::uint32_t> spent_;  ///< degrees of freedom of the first 1, 2, … of them
    std::vector<std::uint32_t> place_;  ///< of a coefficient in that order
};

}  // namespace

std::unique_ptr<Packer> make_basis_packer(Device device, const HostTensor& dense, std::string name,
                                          const BasisMethod& method, const PackOptions& options) {
    return std::make_unique<BasisPacker>(best_transform(device, dense, method.kind, method.values, options),
                                         method, std::move(name), options.index_coding);
}

}  // namespace spectral
