// Slices that a transform along the first axis mixes: coefficients are summed over its frequencies for those
// that are wanted.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "engine/compress/list_source.hpp"
#include "engine/core/transfer.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/sparse_matmul.hpp"

namespace spectral {

namespace {

/// How the coefficients of a basis whose first axis is transformed lie: [others not transformed][frequency of
/// the first axis][rest of the spectrum].
struct MixedOrder {
    std::int64_t frequencies = 1, rest = 1;
    bool first_is_halved = false;  ///< the first axis is the only one, of a real transform

    explicit MixedOrder(const Basis& basis) {
        const SignalShape& signal = basis.signal();
        const Shape spectrum = basis.transform_shape();
        first_is_halved = basis.parts() == 2 && signal.rank == 1;
        frequencies = spectrum[0];
        rest = spectrum.size() / frequencies;
    }
    std::int64_t frequency(std::uint32_t place) const { return place / rest % frequencies; }
    /// Of the coefficients of one slice.
    std::int64_t slice_place(std::uint32_t place) const {
        return place / (rest * frequencies) * rest + place % rest;
    }
};

/// The first axis is transformed: coefficients are summed over its frequencies for the slices wanted.
class MixedSource final : public ListSource {
public:
    MixedSource(Device device, const Basis& basis, std::vector<std::uint32_t> places,
                const std::vector<float>& values)
        : ListSource(device, basis, std::move(places), values),
          order_(basis),
          slice_size_(basis.size() / order_.frequencies) {
        // A slice may be much larger than what is kept of it.
        const Reservation room = device.budget.reserve(
            MemoryTag::workspace,
            (static_cast<std::size_t>(slice_size_) + 1 + this->places().size()) * sizeof(std::uint32_t),
            "rows of slices");
        std::vector<std::uint32_t> start(static_cast<std::size_t>(slice_size_) + 1), column;
        for (const std::uint32_t place : this->places()) {
            ++start[static_cast<std::size_t>(order_.slice_place(place)) + 1];
            column.push_back(static_cast<std::uint32_t>(order_.frequency(place)));
        }
        std::partial_sum(start.begin(), start.end(), start.begin());
        row_start_ = upload(device, start, MemoryTag::parameters, kSliceHolder);
        column_ = upload(device, column, MemoryTag::parameters, kSliceHolder);
    }

    const MixedOrder& order() const { return order_; }
    std::int64_t slice_coefficients() const { return slice_size_; }
    bool is_complex() const { return basis().parts() == 2; }
    SparseRows matrix() const {
        return {slice_size_,
                order_.frequencies,
                count(),
                row_start_.as<std::uint32_t>(),
                column_.as<std::uint32_t>(),
                nullptr};
    }

    std::size_t work_bytes(std::int64_t slices) const override {
        const std::int64_t kept = slices * slice_size_;
        const auto complex = static_cast<std::size_t>(
            slices * order_.frequencies + kept +
            SparseMatMul::scratch_size(slices, slice_size_, order_.frequencies) + 2 * count());
        // The factors are made on the host, from one period of them.
        const auto period = static_cast<std::size_t>(4 * this->slices()) * sizeof(Complex);
        return period + complex * sizeof(Complex) + static_cast<std::size_t>(kept) * sizeof(float) +
               static_cast<std::size_t>(slices * order_.frequencies) * sizeof(Complex) +
               block_transform_bytes(basis(), kept, slices * slice_size());
    }
    double cost(std::int64_t slices) const override {
        return ListSource::cost(slices) + static_cast<double>(slices) * static_cast<double>(count());
    }
    std::unique_ptr<SliceBlock> block(std::int64_t slices) const override;

private:
    MixedOrder order_;
    std::int64_t slice_size_;
    Buffer row_start_, column_;
};

class MixedBlock final : public SliceBlock {
public:
    MixedBlock(const MixedSource& source, std::int64_t slices)
        : source_(source),
          factors_(slice_area(device(), slices * source.order().frequencies, DType::complex64)),
          sums_(slice_area(device(), slices * source.slice_coefficients(), DType::complex64)),
          scratch_(slice_area(
              device(),
              SparseMatMul::scratch_size(slices, source.slice_coefficients(), source.order().frequencies),
              DType::complex64)),
          gradient_(slice_area(device(), source.count(), DType::complex64)),
          transform_(device(), source.basis()) {
        const auto period = static_cast<std::size_t>(4 * source.slices()) * sizeof(Complex);
        room_ =
            device().budget.reserve(MemoryTag::workspace, factors_.bytes() + period, "factors on the host");
        if (!source.is_complex()) {
            real_ = slice_area(device(), slices * source.slice_coefficients());
            values_ = slice_area(device(), source.count(), DType::complex64);
        }
        make_table();
    }

    void generate(std::int64_t first, std::int64_t count, float* out) override {
        Backend& backend = device().backend;
        upload_factors(first, count);
        const Complex* values = reinterpret_cast<const Complex*>(source_.numbers()->data());
        if (!source_.is_complex()) {
            copy_apart(backend, source_.count(), source_.numbers()->data(), 1, values_.data(), 2);
            values = values_.complex_data();
        }
        backend.run(SparseMatMul{count, source_.matrix(), values, factors_.complex_data(),
                                 sums_.complex_data(), scratch_.complex_data()});
        const BasisTransform* transform = transform_.of(count);
        const std::int64_t size = count * source_.slice_coefficients();
        if (transform == nullptr) {
            copy_apart(backend, size, sums_.data(), 2, out, 1);
        } else if (source_.is_complex()) {
            transform->inverse(sums_.data(), out);
        } else {
            copy_apart(backend, size, sums_.data(), 2, real_.data(), 1);
            transform->inverse(real_.data(), out);
        }
    }

    void add_gradient(std::int64_t first, std::int64_t count, const float* d_out, float* d_numbers) override {
        Backend& backend = device().backend;
        upload_factors(first, count);
        const BasisTransform* transform = transform_.of(count);
        const std::int64_t size = count * source_.slice_coefficients();
        if (transform != nullptr && source_.is_complex()) {
            transform->inverse_adjoint(d_out, sums_.data());
        } else {
            if (transform != nullptr) {
                transform->inverse_adjoint(d_out, real_.data());
                d_out = real_.data();
            }
            backend.fill_zero(sums_.data(), sums_.bytes());
            copy_apart(backend, size, d_out, 1, sums_.data(), 2);
        }
        backend.run(SparseMatMulWeightGradient{count, source_.matrix(), factors_.complex_data(),
                                               sums_.complex_data(), gradient_.complex_data(),
                                               scratch_.complex_data()});
        const std::int64_t parts = source_.basis().parts(), numbers = source_.count() * parts;
        if (parts == 1) {
            // Real parts move to the front of the values that generate() fills anew.
            copy_apart(backend, source_.count(), gradient_.data(), 2, values_.data(), 1);
            backend.run(BiasAdd{1, numbers, values_.data(), d_numbers});
            backend.fill_zero(values_.data(), values_.bytes());
        } else {
            backend.run(BiasAdd{1, numbers, gradient_.data(), d_numbers});
        }
    }

private:
    Device device() const { return source_.device(); }

    /// One period of e^{2πi m/N}, or of √(2/N)·cos(πm/2N), with the transform's scale.
    void make_table() {
        const auto n = static_cast<double>(source_.slices());
        const std::int64_t period = source_.is_complex() ? source_.slices() : 4 * source_.slices();
        const double scale = std::sqrt((source_.is_complex() ? 1 : 2) / n);
        for (std::int64_t m = 0; m < period; ++m) {
            const double angle = 2 * std::numbers::pi * static_cast<double>(m) / static_cast<double>(period);
            table_.emplace_back(static_cast<float>(scale * std::cos(angle)),
                                source_.is_complex() ? static_cast<float>(scale * std::sin(angle)) : 0.0F);
        }
    }

    /// What the coefficients of every frequency count in each slice.
    void upload_factors(std::int64_t first, std::int64_t count) {
        const std::int64_t frequencies = source_.order().frequencies, n = source_.slices();
        const auto period = std::ssize(table_);
        host_.resize(static_cast<std::size_t>(count * frequencies));
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t step = (source_.is_complex() ? first + i : 2 * (first + i) + 1) % period;
            Complex* row = host_.data() + i * frequencies;
            std::int64_t m = 0;
            for (std::int64_t u = 0; u < frequencies; ++u) {
                row[u] = table_[static_cast<std::size_t>(m)];
                m += step;
                if (m >= period) m -= period;
            }
            if (source_.order().first_is_halved)
                for (std::int64_t u = 1; 2 * u < n; ++u) row[u] *= 2.0F;
            if (!source_.is_complex()) row[0] = static_cast<float>(std::sqrt(1 / static_cast<double>(n)));
        }
        device().backend.copy_to_device(factors_.data(), host_.data(), host_.size() * sizeof(Complex));
    }

    const MixedSource& source_;
    std::vector<Complex> table_, host_;
    Reservation room_;
    Tensor factors_, sums_, scratch_, gradient_;
    Tensor real_, values_;  ///< of a real basis: sums without imaginary parts, numbers with them
    BlockTransform transform_;
};

std::unique_ptr<SliceBlock> MixedSource::block(std::int64_t slices) const {
    return std::make_unique<MixedBlock>(*this, slices);
}

}  // namespace

std::unique_ptr<SliceSource> make_mixed_source(Device device, const Basis& basis,
                                               const std::vector<std::uint32_t>& places,
                                               const std::vector<float>& values) {
    // By the place within a slice, so that its sums are rows of a sparse matrix.
    const MixedOrder order(basis);
    std::vector<std::uint32_t> sorted(places.size());
    std::iota(sorted.begin(), sorted.end(), 0U);
    std::ranges::stable_sort(sorted, {}, [&](std::uint32_t e) { return order.slice_place(places[e]); });
    const auto parts = static_cast<std::size_t>(basis.parts());
    std::vector<std::uint32_t> own_places;
    std::vector<float> own_values;
    for (const std::uint32_t e : sorted) {
        own_places.push_back(places[e]);
        own_values.insert(own_values.end(), values.begin() + static_cast<std::ptrdiff_t>(e * parts),
                          values.begin() + static_cast<std::ptrdiff_t>((e + 1) * parts));
    }
    return std::make_unique<MixedSource>(device, basis, std::move(own_places), own_values);
}

}  // namespace spectral
