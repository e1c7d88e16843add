// Cases of the operations of sparse spectra: index sets, selection, reductions, products with weights.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/profile/op_case.hpp"
#include "kernels/ops/normalise.hpp"
#include "kernels/ops/reduce.hpp"
#include "kernels/ops/select.hpp"
#include "kernels/ops/sparse.hpp"
#include "kernels/ops/sparse_matmul.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral::op_case {

namespace {

template <class Op, class Result>
OpCase make_case(const std::shared_ptr<Inputs>& inputs, std::string shape, const Op& op, Result result) {
    return {std::move(shape),
            op.cost(),
            {},
            [inputs, op](Level level) { inputs->device().backend.run(op, level); },
            [inputs, result = std::move(result)] { return result(*inputs); }};
}

template <class T>
T* memory(Inputs& inputs, std::int64_t size) {
    return static_cast<T*>(inputs.bytes(static_cast<std::size_t>(size) * sizeof(T)));
}

/// A dense spectrum of `size` values and an index set of `kept` of them.
struct Spectrum {
    std::shared_ptr<Inputs> inputs;
    std::int64_t size, kept;

    Spectrum(Device device, const Json& sizes)
        : inputs(std::make_shared<Inputs>(device)),
          size(size_of(sizes, "size")),
          kept(std::min(size, size_of(sizes, "kept"))) {}

    std::string text() const { return fmt::format("{} of {}", kept, size); }
    SparseView sparse(std::uint64_t seed) const {
        return {kept, inputs->ascending(kept, size, seed), inputs->complex_normal(kept, seed + 1)};
    }
};

/// Where operations put a sparse result whose length they find out.
struct SparseOutput {
    std::uint32_t* index;
    Complex* v;
    std::int64_t* count;

    SparseOutput(Inputs& inputs, std::int64_t capacity)
        : index(memory<std::uint32_t>(inputs, capacity)),
          v(inputs.complex_zeros(capacity)),
          count(memory<std::int64_t>(inputs, 1)) {}

    /// Indices, then values.
    std::vector<double> operator()(const Inputs& inputs) const {
        const std::int64_t found = inputs.copied(count, 1)[0];
        const std::vector<std::uint32_t> indices = inputs.copied(index, found);
        std::vector<double> result(indices.begin(), indices.end());
        const std::vector<double> values = inputs.host(v, found);
        result.insert(result.end(), values.begin(), values.end());
        return result;
    }
};

OpCase sparse_gather(Device device, const Json& sizes) {
    const Spectrum s(device, sizes);
    const SparseGather op{s.kept, s.inputs->ascending(s.kept, s.size, 1), s.inputs->complex_normal(s.size, 2),
                          s.inputs->complex_zeros(s.kept)};
    return make_case(s.inputs, s.text(), op, [op](const Inputs& in) { return in.host(op.y, op.count); });
}

OpCase sparse_scatter(Device device, const Json& sizes) {
    const Spectrum s(device, sizes);
    const SparseView kept = s.sparse(1);
    const SparseScatter op{s.kept, s.size, kept.index, kept.v, s.inputs->complex_zeros(s.size)};
    return make_case(s.inputs, s.text(), op, [op](const Inputs& in) { return in.host(op.y, op.size); });
}

OpCase sparse_multiply(Device device, const Json& sizes) {
    const Spectrum s(device, sizes);
    const SparseOutput out(*s.inputs, s.kept);
    const SparseMultiply op{
        s.sparse(1), s.sparse(3),
        out.index,   out.v,
        out.count,   memory<std::int64_t>(*s.inputs, SparseMultiply::scratch_size(s.kept, s.kept))};
    return make_case(s.inputs, s.text(), op, out);
}

OpCase sparse_add(Device device, const Json& sizes) {
    const Spectrum s(device, sizes);
    const SparseOutput out(*s.inputs, 2 * s.kept);
    const SparseAdd op{s.sparse(1), s.sparse(3),
                       1.0F,        -0.5F,
                       out.index,   out.v,
                       out.count,   memory<std::int64_t>(*s.inputs, SparseAdd::scratch_size(s.kept, s.kept))};
    return make_case(s.inputs, s.text(), op, out);
}

OpCase select_above(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const SparseOutput out(*inputs, size);
    // Of complex normal values one in twenty is beyond √(2 ln 20).
    const SelectAbove op{
        size,      size,  2.4477F,   inputs->complex_normal(size, 1),
        out.index, out.v, out.count, memory<std::int64_t>(*inputs, SelectAbove::scratch_size(size))};
    return make_case(inputs, fmt::format("one in 20 of {}", size), op, out);
}

OpCase top_k(Device device, const Json& sizes) {
    const Spectrum s(device, sizes);
    const SparseOutput out(*s.inputs, s.kept);
    const TopK op{s.size,
                  s.kept,
                  s.inputs->complex_normal(s.size, 1),
                  nullptr,
                  out.index,
                  out.v,
                  out.count,
                  memory<std::int64_t>(*s.inputs, TopK::scratch_size(s.size))};
    return make_case(s.inputs, s.text(), op, out);
}

OpCase complex_energy(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const ComplexEnergy op{size, inputs->complex_normal(size, 1), nullptr, memory<double>(*inputs, 1),
                           memory<double>(*inputs, ComplexEnergy::scratch_size(size))};
    return make_case(inputs, fmt::format("{}", size), op,
                     [op](const Inputs& in) { return in.copied(op.y, 1); });
}

OpCase complex_sum(Device device, const Json& sizes) {
    using Value = std::complex<double>;
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const ComplexSum op{size, inputs->complex_normal(size, 1), memory<Value>(*inputs, 1),
                        memory<Value>(*inputs, ComplexSum::scratch_size(size))};
    return make_case(inputs, fmt::format("{}", size), op, [op](const Inputs& in) {
        const Value sum = in.copied(op.y, 1)[0];
        return std::vector<double>{sum.real(), sum.imag()};
    });
}

OpCase peak_magnitude(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const PeakMagnitude op{size, inputs->complex_normal(size, 1), memory<Peak>(*inputs, 1),
                           memory<std::uint64_t>(*inputs, PeakMagnitude::scratch_size(size))};
    return make_case(inputs, fmt::format("{}", size), op, [op](const Inputs& in) {
        const Peak peak = in.copied(op.y, 1)[0];
        return std::vector<double>{static_cast<double>(peak.magnitude), static_cast<double>(peak.index)};
    });
}

/// A batch of dense spectra; `kept` where an index set goes with it.
struct Spectra {
    std::shared_ptr<Inputs> inputs;
    std::int64_t batch, size, all;

    Spectra(Device device, const Json& sizes)
        : inputs(std::make_shared<Inputs>(device)),
          batch(size_of(sizes, "batch")),
          size(size_of(sizes, "size")),
          all(batch * size) {}

    std::string text() const { return fmt::format("{} × {}", batch, size); }
    std::string text(std::int64_t kept) const { return fmt::format("{}, {} kept", text(), kept); }
    std::int64_t kept(const Json& sizes) const { return std::min(size, size_of(sizes, "kept")); }
};

OpCase spectral_normalise(Device device, const Json& sizes) {
    const Spectra s(device, sizes);
    SpectralNormalise op{.batch = s.batch, .size = s.size};
    op.x = s.inputs->complex_normal(s.all, 1);
    op.y = s.inputs->complex_zeros(s.all);
    op.norm = s.inputs->zeros(s.batch);
    op.scratch = memory<double>(*s.inputs, SpectralNormalise::scratch_size(s.batch, s.size));
    return make_case(s.inputs, s.text(), op, [op, s](const Inputs& in) { return in.host(op.y, s.all); });
}

OpCase spectral_normalise_backward(Device device, const Json& sizes) {
    const Spectra s(device, sizes);
    SpectralNormaliseBackward op{.batch = s.batch, .size = s.size};
    op.x = s.inputs->complex_normal(s.all, 1);
    op.norm = s.inputs->normal(s.batch, 2, 0.1, 100);
    op.dy = s.inputs->complex_normal(s.all, 3);
    op.dx = s.inputs->complex_zeros(s.all);
    op.scratch = memory<double>(*s.inputs, SpectralNormaliseBackward::scratch_size(s.batch, s.size));
    return make_case(s.inputs, s.text(), op, [op, s](const Inputs& in) { return in.host(op.dx, s.all); });
}

OpCase spectral_batch_norm(Device device, const Json& sizes) {
    const Spectra s(device, sizes);
    SpectralBatchNorm op{.batch = s.batch, .size = s.size};
    op.x = s.inputs->complex_normal(s.all, 1);
    op.scale = s.inputs->normal(s.size, 2);
    op.shift = s.inputs->complex_normal(s.size, 3);
    op.y = s.inputs->complex_zeros(s.all);
    op.mean = s.inputs->complex_zeros(s.size);
    op.deviation = s.inputs->zeros(s.size);
    op.running_mean = s.inputs->complex_zeros(s.size);
    op.running_variance = s.inputs->zeros(s.size);
    return make_case(s.inputs, s.text(), op, [op, s](const Inputs& in) { return in.host(op.y, s.all); });
}

OpCase spectral_batch_norm_backward(Device device, const Json& sizes) {
    const Spectra s(device, sizes);
    SpectralBatchNormBackward op{.batch = s.batch, .size = s.size};
    op.x = s.inputs->complex_normal(s.all, 1);
    op.mean = s.inputs->complex_normal(s.size, 2);
    op.deviation = s.inputs->normal(s.size, 3, 0.1, 2);
    op.scale = s.inputs->normal(s.size, 4);
    op.dy = s.inputs->complex_normal(s.all, 5);
    op.dx = s.inputs->complex_zeros(s.all);
    op.dscale = s.inputs->zeros(s.size);
    op.dshift = s.inputs->complex_zeros(s.size);
    return make_case(s.inputs, s.text(), op, [op, s](const Inputs& in) { return in.host(op.dx, s.all); });
}

OpCase spectral_multiply(Device device, const Json& sizes) {
    const Spectra s(device, sizes);
    const SpectralMultiply op{s.batch,
                              s.size,
                              false,
                              s.inputs->complex_normal(s.all, 1),
                              s.inputs->complex_normal(s.size, 2),
                              s.inputs->complex_zeros(s.all)};
    return make_case(s.inputs, s.text(), op, [op, s](const Inputs& in) { return in.host(op.y, s.all); });
}

OpCase spectral_weight_gradient(Device device, const Json& sizes) {
    const Spectra s(device, sizes);
    const SpectralWeightGradient op{s.batch, s.size, s.inputs->complex_normal(s.all, 1),
                                    s.inputs->complex_normal(s.all, 2), s.inputs->complex_zeros(s.size)};
    return make_case(s.inputs, s.text(), op, [op](const Inputs& in) { return in.host(op.dw, op.size); });
}

OpCase sparse_spectral_multiply(Device device, const Json& sizes) {
    const Spectra s(device, sizes);
    const std::int64_t kept = s.kept(sizes);
    const SparseSpectralMultiply op{s.batch,
                                    s.size,
                                    kept,
                                    false,
                                    s.inputs->ascending(kept, s.size, 1),
                                    s.inputs->complex_normal(s.all, 2),
                                    s.inputs->complex_normal(kept, 3),
                                    s.inputs->complex_zeros(s.all)};
    return make_case(s.inputs, s.text(kept), op, [op, s](const Inputs& in) { return in.host(op.y, s.all); });
}

OpCase sparse_spectral_weight_gradient(Device device, const Json& sizes) {
    const Spectra s(device, sizes);
    const std::int64_t kept = s.kept(sizes);
    const SparseSpectralWeightGradient op{s.batch,
                                          s.size,
                                          kept,
                                          s.inputs->ascending(kept, s.size, 1),
                                          s.inputs->complex_normal(s.all, 2),
                                          s.inputs->complex_normal(s.all, 3),
                                          s.inputs->complex_zeros(kept)};
    return make_case(s.inputs, s.text(kept), op, [op](const Inputs& in) { return in.host(op.dw, op.count); });
}

/// A sparse matrix with the same number of entries in every row.
struct Rows {
    std::shared_ptr<Inputs> inputs;
    std::int64_t batch, kept;
    SparseRows matrix;

    Rows(Device device, const Json& sizes)
        : inputs(std::make_shared<Inputs>(device)),
          batch(size_of(sizes, "batch")),
          kept(size_of(sizes, "kept")),
          matrix{size_of(sizes, "rows"), size_of(sizes, "columns"), size_of(sizes, "rows") * kept} {
        std::vector<std::uint32_t> start;
        for (std::int64_t row = 0; row <= matrix.rows; ++row)
            start.push_back(static_cast<std::uint32_t>(row * kept));
        auto* row_start = memory<std::uint32_t>(*inputs, matrix.rows + 1);
        device.backend.copy_to_device(row_start, start.data(), start.size() * sizeof(std::uint32_t));
        matrix.row_start = row_start;
        matrix.place = inputs->indices<std::uint32_t>(matrix.entries, matrix.columns, 1);
    }

    std::string text() const {
        return fmt::format("{} × ({} × {}), {} in a row", batch, matrix.rows, matrix.columns, kept);
    }
};

OpCase sparse_matmul(Device device, const Json& sizes) {
    const Rows r(device, sizes);
    const auto [rows, columns] = std::pair(r.matrix.rows, r.matrix.columns);
    const SparseMatMul op{r.batch,
                          r.matrix,
                          r.inputs->complex_normal(r.matrix.entries, 2),
                          r.inputs->complex_normal(r.batch * columns, 3),
                          r.inputs->complex_zeros(r.batch * rows),
                          r.inputs->complex_zeros(SparseMatMul::scratch_size(r.batch, rows, columns))};
    return make_case(r.inputs, r.text(), op,
                     [op](const Inputs& in) { return in.host(op.y, op.batch * op.matrix.rows); });
}

OpCase sparse_matmul_weight_gradient(Device device, const Json& sizes) {
    const Rows r(device, sizes);
    const auto [rows, columns] = std::pair(r.matrix.rows, r.matrix.columns);
    const SparseMatMulWeightGradient op{
        r.batch,
        r.matrix,
        r.inputs->complex_normal(r.batch * columns, 2),
        r.inputs->complex_normal(r.batch * rows, 3),
        r.inputs->complex_zeros(r.matrix.entries),
        r.inputs->complex_zeros(SparseMatMulWeightGradient::scratch_size(r.batch, rows, columns))};
    return make_case(r.inputs, r.text(), op,
                     [op](const Inputs& in) { return in.host(op.dv, op.matrix.entries); });
}

}  // namespace

std::vector<OpCaseInfo> sparse_cases() {
    const Field size = size_field("size", 1 << 20, 1 << 28), kept = size_field("kept", 1 << 16, 1 << 28);
    const Field batch = size_field("batch", 64, 1 << 20), row = size_field("size", 1 << 14, 1 << 24);
    const Schema vector{size}, spectrum{size, kept}, spectra{batch, row};
    const Schema sparse_spectra{batch, row, size_field("kept", 1 << 10, 1 << 24)};
    const Schema rows{batch, size_field("rows", 2049, 1 << 24), size_field("columns", 2049, 1 << 24),
                      size_field("kept", 41, 1 << 16)};
    return {{"sparse_gather", spectrum, sparse_gather},
            {"sparse_scatter", spectrum, sparse_scatter},
            {"sparse_multiply", spectrum, sparse_multiply},
            {"sparse_add", spectrum, sparse_add},
            {"select_above", vector, select_above},
            {"top_k", spectrum, top_k},
            {"complex_energy", vector, complex_energy},
            {"complex_sum", vector, complex_sum},
            {"peak_magnitude", vector, peak_magnitude},
            {"spectral_normalise", spectra, spectral_normalise},
            {"spectral_normalise_backward", spectra, spectral_normalise_backward},
            {"spectral_batch_norm", spectra, spectral_batch_norm},
            {"spectral_batch_norm_backward", spectra, spectral_batch_norm_backward},
            {"spectral_multiply", spectra, spectral_multiply},
            {"spectral_weight_gradient", spectra, spectral_weight_gradient},
            {"sparse_spectral_multiply", sparse_spectra, sparse_spectral_multiply},
            {"sparse_spectral_weight_gradient", sparse_spectra, sparse_spectral_weight_gradient},
            {"sparse_matmul", rows, sparse_matmul},
            {"sparse_matmul_weight_gradient", rows, sparse_matmul_weight_gradient}};
}

}  // namespace spectral::op_case
