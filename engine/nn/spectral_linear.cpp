#include "engine/nn/spectral_linear.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <tuple>

#include "engine/core/transfer.hpp"
#include "kernels/ops/dct.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

bool is_own_mirror(std::int64_t k, std::int64_t n) { return k == 0 || 2 * k == n; }

std::vector<std::uint32_t> starts(std::int64_t rows, const std::vector<std::uint32_t>& row_of) {
    std::vector<std::uint32_t> start(static_cast<std::size_t>(rows) + 1);
    for (const std::uint32_t row : row_of) ++start[row + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    return start;
}

void require_ascending(std::span<const std::uint32_t> index, std::size_t values, std::int64_t size) {
    require(index.size() == values, "sparse spectrum", "it has another number of values than of indices");
    require(std::ranges::all_of(index, [&](std::uint32_t i) { return i < size; }), "sparse spectrum",
            "an index lies outside of it");
    require(std::ranges::adjacent_find(index, std::greater_equal{}) == index.end(), "sparse spectrum",
            "its indices do not ascend");
}

}  // namespace

std::vector<SpectralLinear::Entry> SpectralLinear::fourier_entries(std::int64_t inputs, std::int64_t outputs,
                                                                   std::span<const std::uint32_t> index,
                                                                   std::span<const Complex> values) {
    const HalfSpectrum spectrum({outputs, inputs});
    require_ascending(index, values.size(), spectrum.size());
    const std::int64_t columns = inputs / 2 + 1;
    std::vector<Entry> entries;
    for (std::size_t j = 0; j < index.size(); ++j) {
        const std::optional<std::int64_t> mirror = spectrum.mirror(index[j]);
        require(!mirror || std::ranges::binary_search(index, static_cast<std::uint32_t>(*mirror)),
                "sparse spectrum", "a stored coefficient lacks its mirror");
        const std::int64_t u = index[j] / columns, v = index[j] % columns;
        if (spectrum.freedom(index[j]) == 0) continue;
        const auto column = static_cast<std::uint32_t>(v);
        // The two members of a stored pair, each rounded by itself, count the same; as where W is unpacked.
        Complex value = values[j];
        if (mirror) {
            const auto other = std::ranges::lower_bound(index, static_cast<std::uint32_t>(*mirror));
            value = 0.5F * (value + std::conj(values[static_cast<std::size_t>(other - index.begin())]));
        }
        Entry entry{static_cast<std::uint32_t>(u), column | kConjugateInput, index[j], value};
        if (2 * u > outputs) {
            // ŷ[u] is not stored; its mirror gets the conjugate of what the unit adds there.
            entry.row = static_cast<std::uint32_t>(outputs - u);
            entry.place = column | kConjugateValue;
        } else if (is_own_mirror(u, outputs) && !is_own_mirror(v, inputs)) {
            // The unit and its implied mirror both fall into this row, whose imaginary part does not count.
            entry.place |= kTwice;
        }
        entries.push_back(entry);
    }
    std::ranges::stable_sort(
        entries, {}, [](const Entry& entry) { return std::tuple(entry.row, entry.place & kColumnMask); });
    return entries;
}

std::vector<SpectralLinear::Entry> SpectralLinear::cosine_entries(std::int64_t inputs, std::int64_t outputs,
                                                                  std::span<const std::uint32_t> index,
                                                                  std::span<const float> values) {
    require_ascending(index, values.size(), outputs * inputs);
    std::vector<Entry> entries;
    for (std::size_t j = 0; j < index.size(); ++j)
        entries.push_back({static_cast<std::uint32_t>(index[j] / inputs),
                           static_cast<std::uint32_t>(index[j] % inputs), index[j], values[j]});
    return entries;
}

SpectralLinear::SpectralLinear(Device device, std::string name, std::int64_t inputs, std::int64_t outputs,
                               std::span<const std::uint32_t> index, std::span<const Complex> values,
                               bool bias, std::int64_t max_batch, Use use)
    : SpectralLinear(device, std::move(name), false, inputs, outputs,
                     fourier_entries(inputs, outputs, index, values), bias, max_batch, use) {}

SpectralLinear::SpectralLinear(Device device, std::string name, std::int64_t inputs, std::int64_t outputs,
                               std::span<const std::uint32_t> index, std::span<const float> values, bool bias,
                               std::int64_t max_batch, Use use)
    : SpectralLinear(device, std::move(name), true, inputs, outputs,
                     cosine_entries(inputs, outputs, index, values), bias, max_batch, use) {}

SpectralLinear::SpectralLinear(Device device, std::string name, bool cosine, std::int64_t inputs,
                               std::int64_t outputs, const std::vector<Entry>& entries, bool bias,
                               std::int64_t max_batch, Use use)
    : Layer(std::move(name), use),
      device_(device),
      cosine_(cosine),
      inputs_(inputs),
      outputs_(outputs),
      max_batch_(max_batch),
      input_(device, this->name(), inputs, max_batch),
      input_shape_{1, {inputs}},
      output_shape_{1, {outputs}},
      coefficients_(device, "coefficients", {std::ssize(entries), cosine ? 1 : 2}, this->name(), use) {
    require(std::max(bins(input_shape_), bins(output_shape_)) <= kColumnMask, "spectral linear layer",
            "it has more than 2^30 inputs or outputs");
    HostTensor start{coefficients_.value.shape(), {}};
    std::vector<std::uint32_t> row_of;
    for (const Entry& entry : entries) {
        units_.push_back(entry.unit);
        host_place_.push_back(entry.place);
        row_of.push_back(entry.row);
        start.values.push_back(entry.value.real());
        if (!cosine) start.values.push_back(entry.value.imag());
    }
    coefficients_.value.assign(device.backend, start);
    host_row_start_ = starts(bins(output_shape_), row_of);
    row_start_ = upload(device, host_row_start_, MemoryTag::parameters, this->name() + " rows");
    place_ = upload(device, host_place_, MemoryTag::parameters, this->name() + " places");
    if (bias) bias_.emplace_back(device, "bias", Shape{outputs}, this->name(), use);

    const auto complex = [&](std::int64_t rows, std::int64_t columns, const char* what) {
        return Tensor(device, MemoryTag::activations, {rows, columns}, this->name() + what, DType::complex64);
    };
    const std::int64_t in = bins(input_shape_), out = bins(output_shape_), longest = std::max(in, out);
    x_spectrum_ = complex(max_batch, in, " input spectra");
    y_spectrum_ = complex(max_batch, out, " output spectra");
    scratch_ = complex(1, SparseMatMul::scratch_size(max_batch, out, in), " product");
    if (cosine) {
        const SignalShape& longer = inputs > outputs ? input_shape_ : output_shape_;
        spare_ = complex(1, Dct::scratch_size(max_batch, longer), " transform");
        real_ = Tensor(device, MemoryTag::activations, {max_batch, longest}, this->name() + " transform");
        values_ = complex(1, std::ssize(entries), " coefficients");
        return;
    }
    spare_ = complex(max_batch, longest, " transform");
    std::vector<Complex> weights(static_cast<std::size_t>(out));
    const double scale = 1 / std::sqrt(static_cast<double>(inputs) * static_cast<double>(outputs));
    for (std::int64_t u = 0; u < out; ++u)
        weights[static_cast<std::size_t>(u)] =
            static_cast<float>(is_own_mirror(u, outputs) ? scale : 2 * scale);
    weights_ =
        Tensor(device, MemoryTag::workspace, {out}, this->name() + " weights of bins", DType::complex64);
    device.backend.copy_to_device(weights_.complex_data(), weights.data(), weights_.bytes());
}

std::int64_t SpectralLinear::bins(const SignalShape& shape) const {
    return cosine_ ? shape.size() : shape.spectrum_size();
}

void SpectralLinear::analyse(std::int64_t batch, const SignalShape& shape, const float* x, Complex* spectra) {
    Backend& backend = device_.backend;
    if (!cosine_) {
        backend.run(Rfft{batch, shape, x, spectra});
        return;
    }
    backend.fill_zero(spectra, static_cast<std::size_t>(batch * shape.size()) * sizeof(Complex));
    backend.run(Dct{batch, shape, false, x, real_.data(), spare_.complex_data()});
    copy_apart(backend, batch * shape.size(), real_.data(), 1, reinterpret_cast<float*>(spectra), 2);
}

void SpectralLinear::analyse_adjoint(std::int64_t batch, const SignalShape& shape, Complex* spectra,
                                     float* x) {
    Backend& backend = device_.backend;
    if (!cosine_) {
        backend.run(RfftBackward{batch, shape, spectra, x, spare_.complex_data()});
        return;
    }
    copy_apart(backend, batch * shape.size(), reinterpret_cast<const float*>(spectra), 2, real_.data(), 1);
    backend.run(Dct{batch, shape, true, real_.data(), x, spare_.complex_data()});
}

void SpectralLinear::weigh(std::int64_t batch, Complex* spectra) {
    if (cosine_) return;
    device_.backend.run(
        SpectralMultiply{batch, bins(output_shape_), false, spectra, weights_.complex_data(), spectra});
}

void SpectralLinear::synthesise(std::int64_t batch, Complex* spectra, float* y) {
    weigh(batch, spectra);
    analyse_adjoint(batch, output_shape_, spectra, y);
}

void SpectralLinear::synthesise_adjoint(std::int64_t batch, const float* y, Complex* spectra) {
    analyse(batch, output_shape_, y, spectra);
    weigh(batch, spectra);
}

const Complex* SpectralLinear::coefficients() {
    if (!cosine_) return reinterpret_cast<const Complex*>(coefficients_.value.data());
    copy_apart(device_.backend, std::ssize(units_), coefficients_.value.data(), 1, values_.data(), 2);
    return values_.complex_data();
}

SparseRows SpectralLinear::rows() const {
    return {bins(output_shape_),        bins(input_shape_),
            std::ssize(units_),         row_start_.as<std::uint32_t>(),
            place_.as<std::uint32_t>(), nullptr};
}

void SpectralLinear::forward(std::int64_t batch, const LayerInput& x, float* y, bool /*training*/) {
    Backend& backend = device_.backend;
    const float* input = input_.contiguous(batch, x);
    Complex* spectra = y_spectrum_.complex_data();
    analyse(batch, input_shape_, input, x_spectrum_.complex_data());
    backend.run(SparseMatMul{batch, rows(), coefficients(), x_spectrum_.complex_data(), spectra,
                             scratch_.complex_data()});
    synthesise(batch, spectra, y);
    if (!bias_.empty()) backend.run(BiasAdd{batch, outputs_, bias_.front().value.data(), y});
}

void SpectralLinear::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    Backend& backend = device_.backend;
    // Adjoints of the steps of forward, in reverse; the spectra of x are still there.
    Complex* spectra = y_spectrum_.complex_data();
    synthesise_adjoint(batch, dy, spectra);
    if (cosine_ && value_gradient_.data() == nullptr)
        value_gradient_ =
            Tensor(device_, MemoryTag::gradients, values_.shape(), name() + " gradient", DType::complex64);
    const Tensor& gradient = cosine_ ? value_gradient_ : coefficients_.gradient;
    backend.run(SparseMatMulWeightGradient{batch, rows(), x_spectrum_.complex_data(), spectra,
                                           reinterpret_cast<Complex*>(gradient.data()),
                                           scratch_.complex_data()});
    if (cosine_)
        copy_apart(backend, std::ssize(units_), gradient.data(), 2, coefficients_.gradient.data(), 1);
    if (!bias_.empty()) backend.run(ColumnSum{batch, outputs_, dy, bias_.front().gradient.data()});
    if (dx == nullptr) return;
    if (column_start_.data() == nullptr) make_transposed();
    const SparseRows transposed{bins(input_shape_),
                                bins(output_shape_),
                                std::ssize(units_),
                                column_start_.as<std::uint32_t>(),
                                transposed_place_.as<std::uint32_t>(),
                                transposed_value_.as<std::uint32_t>()};
    backend.run(SparseMatMul{batch, transposed, coefficients(), spectra, x_spectrum_.complex_data(),
                             scratch_.complex_data()});
    analyse_adjoint(batch, input_shape_, x_spectrum_.complex_data(), dx);
}

void SpectralLinear::make_transposed() {
    std::vector<std::uint32_t> order(units_.size()), column_of, place, row_of(units_.size());
    std::iota(order.begin(), order.end(), 0U);
    for (std::size_t row = 0; row + 1 < host_row_start_.size(); ++row)
        std::fill(row_of.begin() + host_row_start_[row], row_of.begin() + host_row_start_[row + 1],
                  static_cast<std::uint32_t>(row));
    const auto column = [&](std::uint32_t e) { return host_place_[e] & kColumnMask; };
    std::ranges::stable_sort(order, {}, column);
    for (const std::uint32_t e : order) {
        column_of.push_back(column(e));
        // Of y = v·conj x the adjoint is dx = v·conj dy; of y = conj v·x it is v·dy.
        place.push_back(row_of[e] | (host_place_[e] & (kConjugateInput | kTwice)));
    }
    column_start_ =
        upload(device_, starts(bins(input_shape_), column_of), MemoryTag::parameters, name() + " columns");
    transposed_place_ = upload(device_, place, MemoryTag::parameters, name() + " transposed places");
    transposed_value_ = upload(device_, order, MemoryTag::parameters, name() + " transposed values");
}

std::vector<Parameter*> SpectralLinear::parameters() {
    std::vector<Parameter*> all{&coefficients_};
    for (Parameter& bias : bias_) all.push_back(&bias);
    return all;
}

std::size_t SpectralLinear::weight_bytes() const {
    return coefficients_.value.bytes() + place_.bytes() + row_start_.bytes();
}

}  // namespace spectral
