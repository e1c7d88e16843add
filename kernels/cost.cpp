// What each operation moves and computes at least: every input read once, every output written once.
#include <cmath>

#include "kernels/ops/attention.hpp"
#include "kernels/ops/batch_norm.hpp"
#include "kernels/ops/ceiling.hpp"
#include "kernels/ops/convolution.hpp"
#include "kernels/ops/dct.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/dropout.hpp"
#include "kernels/ops/dynamics.hpp"
#include "kernels/ops/embedding.hpp"
#include "kernels/ops/features.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/fourier_mix.hpp"
#include "kernels/ops/gated.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/layer_norm.hpp"
#include "kernels/ops/loss.hpp"
#include "kernels/ops/normalise.hpp"
#include "kernels/ops/optimiser.hpp"
#include "kernels/ops/pooling.hpp"
#include "kernels/ops/purefft.hpp"
#include "kernels/ops/reduce.hpp"
#include "kernels/ops/round.hpp"
#include "kernels/ops/scatter_rows.hpp"
#include "kernels/ops/select.hpp"
#include "kernels/ops/softmax.hpp"
#include "kernels/ops/sparse.hpp"
#include "kernels/ops/sparse_matmul.hpp"
#include "kernels/ops/spectral_filter.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

constexpr double kReal = sizeof(float);
constexpr double kComplex = sizeof(Complex);
constexpr double kIndex = sizeof(std::uint32_t);

double real(std::int64_t n) { return static_cast<double>(n); }

double count(std::span<const ParameterSlot> parameters) {
    std::int64_t sum = 0;
    for (const ParameterSlot& slot : parameters) sum += slot.size;
    return real(sum);
}

/// The usual count for a real transform of n samples: half of 5 n log2 n.
double fft_flops(std::int64_t batch, const SignalShape& shape) {
    return real(batch) * 2.5 * real(shape.size()) * std::log2(std::max(2.0, real(shape.size())));
}

Cost rfft_cost(std::int64_t batch, const SignalShape& shape) {
    return {real(batch) * (kReal * real(shape.size()) + kComplex * real(shape.spectrum_size())),
            fft_flops(batch, shape)};
}

double parameter_values(const PureFftSizes& s) {
    return real((s.patterns + s.layers + s.classes) * s.frequencies);
}

/// What the pool costs apart from the batch, forward: scores and gains.
double chain_flops(const PureFftSizes& s) { return 4 * real(s.layers * s.patterns * s.frequencies); }

}  // namespace

std::int64_t SignalShape::size() const {
    std::int64_t product = 1;
    for (int axis = 0; axis < rank; ++axis) product *= extent[static_cast<std::size_t>(axis)];
    return product;
}

std::int64_t SignalShape::spectrum_size() const {
    const std::int64_t last = extent[static_cast<std::size_t>(rank - 1)];
    return last == 0 ? 0 : size() / last * (last / 2 + 1);
}

Cost Rfft::cost() const { return rfft_cost(batch, shape); }
Cost Irfft::cost() const { return rfft_cost(batch, shape); }
Cost IrfftBackward::cost() const { return rfft_cost(batch, shape); }

Cost FourierMix::cost() const {
    return {2 * kReal * real(batch * rows * columns), fft_flops(batch, {2, {rows, columns}})};
}

Cost Dct::cost() const { return {2 * kReal * real(batch) * real(shape.size()), fft_flops(batch, shape)}; }

Cost RfftBackward::cost() const { return rfft_cost(batch, shape); }

Cost RfftMagnitude::cost() const {
    return {real(batch) * kReal * real(shape.size() + y_stride),
            fft_flops(batch, shape) + 4 * real(batch * shape.spectrum_size())};
}

Cost Magnitude::cost() const { return {real(size) * (kComplex + kReal), 4 * real(size)}; }

Cost MagnitudeBackward::cost() const { return {real(size) * (2 * kComplex + kReal), 8 * real(size)}; }

Cost PureFftForward::cost() const {
    const double batch_values = real(sizes.batch * (sizes.frequencies + sizes.classes));
    return {kReal * (batch_values + parameter_values(sizes)),
            chain_flops(sizes) + 2 * real(sizes.batch * sizes.classes * sizes.frequencies)};
}

Cost PureFftBackward::cost() const {
    const double batch_values = real(sizes.batch * (sizes.frequencies + sizes.classes));
    return {kReal * (batch_values + 2 * parameter_values(sizes)),
            3 * chain_flops(sizes) + 2 * real(sizes.batch * sizes.classes * sizes.frequencies)};
}

Cost PureFftStep::cost() const {
    const double batch_values = real(sizes.batch * (sizes.frequencies + sizes.classes));
    return {kReal * (batch_values + 2 * parameter_values(sizes)),
            4 * chain_flops(sizes) + 4 * real(sizes.batch * sizes.classes * sizes.frequencies)};
}

Cost PureFftGain::cost() const { return {kReal * parameter_values(sizes), chain_flops(sizes)}; }

Cost SoftmaxNll::cost() const {
    return {real(batch) * (kReal * real(classes) * (d_logits ? 2 : 1) + sizeof(std::int32_t)),
            8 * real(batch * classes)};
}

Cost Softmax::cost() const {
    return {2 * kReal * real(outer) * real(axis * inner), 8 * real(outer) * real(axis * inner)};
}

Cost SoftmaxBackward::cost() const {
    return {3 * kReal * real(outer) * real(axis * inner), 4 * real(outer) * real(axis * inner)};
}

namespace {

/// Rows come in and go out once, `arrays` of them; `vectors` of a row's length, two numbers for each row. An
/// exponential and the polynomial beside it count as in Activation.
Cost norm_cost(const NormRows& rows, double arrays, double vectors, double flops) {
    const double values = real(rows.batch) * real(rows.size);
    return {kReal * (arrays * values + vectors * real(rows.size) + 2 * real(rows.batch)), flops * values};
}

}  // namespace

Cost LayerNorm::cost() const { return norm_cost(rows, 2, 2, 8); }
Cost LayerNormGelu::cost() const { return norm_cost(rows, 2, 2, 28); }
Cost LayerNormBackward::cost() const { return norm_cost(rows, 3, 4, 16); }
Cost LayerNormGeluBackward::cost() const { return norm_cost(rows, 3, 4, 46); }

// A row of the table is read for every token: which of them are the same is known on the device alone.
Cost EmbedTokens::cost() const {
    return {real(tokens.count()) * (2 * kReal * real(width) + kReal + kIndex), real(tokens.count() * width)};
}

// A sine and a cosine count as 20 operations each, as an exponential does.
Cost WindingFeatures::cost() const {
    if (tokens.count() == 0) return {};
    return {kReal * real(tokens.count()) * (1 + 2 * real(windings)) + 8 * real(windings),
            44 * real(tokens.count() * windings)};
}

Cost Harmonise::cost() const { return {4 * kReal * real(size), 44 * real(size)}; }
Cost HarmoniseBackward::cost() const { return {5 * kReal * real(size), 96 * real(size)}; }

Cost BatchNorm::cost() const {
    return {kReal * (2 * real(images.size()) + 6 * real(images.channels)),
            (training ? 8 : 4) * real(images.size())};
}

Cost BatchNormBackward::cost() const {
    return {kReal * (3 * real(images.size()) + 5 * real(images.channels)), 14 * real(images.size())};
}

namespace {

/// Pairs of a query and a key in all heads. What `keep` leaves out is known on the device alone.
double attention_pairs(const AttentionShape& s) {
    const double all = real(s.queries) * real(s.keys);
    // Of a square half and the diagonal; of more keys, all that precede it too.
    const double most = real(std::min(s.queries, s.keys));
    const double causal = most * (most + 1) / 2 + most * real(std::max<std::int64_t>(s.keys - s.queries, 0));
    return real(s.batch * s.heads) * (s.causal ? causal : all);
}

/// Rows of queries and keys of all heads that are moved.
double attention_bytes(const AttentionShape& s, double of_queries, double of_keys) {
    return kReal * real(s.batch * s.heads) *
           ((of_queries * real(s.queries) + of_keys * real(s.keys)) * real(s.size) + real(s.queries));
}

}  // namespace

// An exponential counts as ten operations.
Cost Attention::cost() const {
    return {attention_bytes(shape, 2, 2), attention_pairs(shape) * (4 * real(shape.size) + 12)};
}

Cost AttentionBackward::cost() const {
    return {attention_bytes(shape, 4, 4), attention_pairs(shape) * (10 * real(shape.size) + 13)};
}

// Division, rounding, two comparisons and the product; the largest of a block is in cache.
Cost RoundInBlocks::cost() const { return {real(size) * 2 * kReal, real(size) * (levels > 0 ? 6 : 2)}; }

Cost GatherRows::cost() const {
    return {real(batch) * (2 * kReal * real(columns) + sizeof(std::uint32_t)), 0};
}

Cost GatherColumns::cost() const {
    return {2 * kReal * real(batch * count) + sizeof(std::uint32_t) * real(count), 0};
}

Cost SwiGlu::cost() const { return {3 * kReal * real(batch * size), 21 * real(batch * size)}; }

Cost SwiGluBackward::cost() const { return {5 * kReal * real(batch * size), 44 * real(batch * size)}; }

// Ten rounds of two products for four words.
Cost Dropout::cost() const { return {2 * kReal * real(size), 16 * real(size)}; }

// Rows of the result that several name are in cache.
Cost ScatterAddRows::cost() const {
    return {real(batch) * (kReal * 2 * real(columns) + kIndex), real(batch * columns)};
}

Cost StreamCopy::cost() const { return {2 * kReal * real(size), 0}; }

Cost RepeatedMultiplyAdd::cost() const { return {2 * kReal * real(size), 2 * real(size) * real(rounds)}; }

Cost Log1p::cost() const { return {2 * kReal * real(size), 20 * real(size)}; }

Cost ColumnMoments::cost() const {
    return {kReal * real(batch * columns + 2 * columns), 4 * real(batch * columns)};
}

Cost Standardise::cost() const {
    return {kReal * real(2 * batch * columns + 2 * columns), 2 * real(batch * columns)};
}

Cost MatMul::cost() const {
    return {kReal * (real(m * k) + real(k * n) + real(m * n) * (beta == 0 ? 1 : 2)),
            2 * real(m) * real(n) * real(k)};
}

Cost BiasAdd::cost() const { return {kReal * (2 * real(batch * size) + real(size)), real(batch * size)}; }

Cost ColumnSum::cost() const { return {kReal * (real(batch * size) + real(size)), real(batch * size)}; }

Cost Activation::cost() const {
    return {2 * kReal * real(size), (kind == ActivationKind::relu ? 1 : 20) * real(size)};
}

Cost ActivationBackward::cost() const {
    return {3 * kReal * real(size), (kind == ActivationKind::relu ? 1 : 30) * real(size)};
}

Cost EvolvePattern::cost() const { return {3 * kReal * real(size), 5 * real(size)}; }

Cost RicciStep::cost() const {
    const double matrix = real(dimension * dimension), points = real(batch);
    return {kReal * matrix * (points * real(dimension) + (constant_metric ? 1 : points) + points),
            points * matrix * 3 * real(dimension)};
}

Cost HeatFlow::cost() const {
    const double bins = real(rows * (columns / 2 + 1));
    return {2 * kComplex * bins, 12 * bins};
}

Cost AddScaled::cost() const { return {3 * kReal * real(size), 2 * real(size)}; }

Cost Multiply::cost() const { return {3 * kReal * real(size), real(size)}; }

ConvolutionTiles::ConvolutionTiles(const ConvolutionShape& shape, const SignalShape& tile) {
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(shape.rank); ++axis) {
        step[axis] = tile.extent[axis] - shape.kernel[axis] + 1;
        count[axis] = (shape.output[axis] + step[axis] - 1) / step[axis];
    }
}

namespace {

double image_bytes(const ConvolutionShape& shape) {
    return kReal * real(shape.images) *
           (real(shape.in_channels * shape.input_size()) + real(shape.out_channels * shape.output_size()));
}

double kernel_values(const ConvolutionShape& shape) {
    return real(shape.out_channels * shape.in_channels * shape.kernel_size());
}

double complex_fft_flops(const SignalShape& tile) { return 2 * fft_flops(1, tile); }

}  // namespace

Cost Convolve::cost() const {
    return {image_bytes(shape) + kReal * kernel_values(shape),
            2 * real(shape.images * shape.output_size()) * kernel_values(shape)};
}

Cost ConvolveWeightGradient::cost() const {
    return {image_bytes(shape) + kReal * kernel_values(shape),
            2 * real(shape.images * shape.output_size()) * kernel_values(shape)};
}

Cost ConvolutionSpectrum::cost() const {
    const std::int64_t kernels = shape.out_channels * shape.in_channels;
    return {kReal * kernel_values(shape) + kComplex * real(kernels * tile.size()),
            real(kernels) * complex_fft_flops(tile)};
}

Cost TiledConvolve::cost() const {
    const std::int64_t channels = shape.in_channels * shape.out_channels;
    const double of_pair = real(shape.in_channels + shape.out_channels) * complex_fft_flops(tile) +
                           8 * real(channels * tile.size());
    return {image_bytes(shape) + (shape.images == 0 ? 0 : kComplex * real(channels * tile.size())),
            real(pairs(shape, tile)) * of_pair};
}

std::int64_t PoolShape::product(const Extents& extents) const {
    std::int64_t size = 1;
    for (int axis = 0; axis < rank; ++axis) size *= extents[static_cast<std::size_t>(axis)];
    return size;
}

PoolShape::Extents PoolShape::output() const {
    Extents result{1, 1, 1};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank); ++axis)
        result[axis] = window[axis] > input[axis] ? 0 : (input[axis] - window[axis]) / stride[axis] + 1;
    return result;
}

namespace {

double pool_input(const PoolShape& s) { return real(s.planes * s.input_size()); }
double pool_output(const PoolShape& s) { return real(s.planes * s.output_size()); }
double pool_flops(const PoolShape& s) { return pool_output(s) * real(s.window_size()); }

}  // namespace

Cost MaxPool::cost() const {
    return {kReal * (pool_input(shape) + pool_output(shape)) + (place ? kIndex * pool_output(shape) : 0),
            pool_flops(shape)};
}

Cost MaxPoolBackward::cost() const {
    return {kReal * (pool_input(shape) + pool_output(shape)) + kIndex * pool_output(shape),
            pool_output(shape)};
}

Cost AveragePool::cost() const {
    return {kReal * (pool_input(shape) + pool_output(shape)), pool_flops(shape)};
}

Cost AveragePoolBackward::cost() const {
    return {kReal * (pool_input(shape) + pool_output(shape)), pool_flops(shape)};
}

Cost JudgeStep::cost() const { return {kReal * count(parameters), 2 * count(parameters)}; }

Cost Adam::cost() const { return {7 * kReal * count(parameters), 14 * count(parameters)}; }

Cost MomentumUpdate::cost() const { return {5 * kReal * count(parameters), 4 * count(parameters)}; }

Cost SparseGather::cost() const { return {real(count) * (2 * kComplex + kIndex), 0}; }

Cost SparseScatter::cost() const { return {real(count) * (kComplex + kIndex) + kComplex * real(size), 0}; }

// How many entries come out is known on the device alone: the operands are what is moved at least.
Cost SparseMultiply::cost() const {
    return {real(a.count + b.count) * (kComplex + kIndex), 6 * real(std::min(a.count, b.count))};
}

Cost SparseAdd::cost() const {
    return {real(a.count + b.count + std::max(a.count, b.count)) * (kComplex + kIndex),
            4 * real(a.count + b.count)};
}

Cost SelectAbove::cost() const { return {kComplex * real(size), 3 * real(size)}; }

Cost TopK::cost() const {
    return {real(size) * (kComplex + (weight ? 1 : 0)) + real(std::min(k, size)) * (kComplex + kIndex),
            3 * real(size)};
}

Cost ComplexEnergy::cost() const { return {real(size) * (kComplex + (weight ? 1 : 0)), 4 * real(size)}; }

Cost ComplexSum::cost() const { return {kComplex * real(size), 2 * real(size)}; }

Cost PeakMagnitude::cost() const { return {kComplex * real(size), 3 * real(size)}; }

// A row stays in the cache between its norm and its division.
Cost SpectralNormalise::cost() const {
    return {real(batch) * (2 * kComplex * real(size) + kReal) + (weight ? real(size) : 0),
            6 * real(batch * size)};
}

Cost SpectralNormaliseBackward::cost() const {
    return {real(batch) * (3 * kComplex * real(size) + kReal) + (weight ? real(size) : 0),
            8 * real(batch * size)};
}

Cost SpectralBatchNorm::cost() const {
    return {2 * kComplex * real(batch * size) + real(size) * (3 * kReal + 3 * kComplex),
            (training ? 12 : 6) * real(batch * size)};
}

Cost SpectralBatchNormBackward::cost() const {
    return {3 * kComplex * real(batch * size) + real(size) * (3 * kReal + 2 * kComplex),
            18 * real(batch * size)};
}

namespace {

Cost filter_cost(const SpectralFilterShape& s) {
    if (s.batch == 0) return {};
    return {kComplex * real(s.input_size() + s.output_size() + s.weight_size()),
            8 * real(s.batch * s.weight_size())};
}

}  // namespace

Cost SpectralFilter::cost() const { return filter_cost(shape); }
Cost SpectralFilterBackward::cost() const { return filter_cost(shape); }
Cost SpectralFilterGradient::cost() const { return filter_cost(shape); }

Cost ModRelu::cost() const {
    const double values = real(batch * channels * size);
    return {2 * kComplex * values, 8 * values};  // |x|, root, quotient, scaled
}

Cost ModReluBackward::cost() const {
    const double values = real(batch * channels * size);
    return {3 * kComplex * values, 18 * values};
}

Cost SpectralMultiply::cost() const {
    return {kComplex * real(2 * batch * size + size), 6 * real(batch * size)};
}

Cost SpectralWeightGradient::cost() const {
    return {kComplex * real(2 * batch * size + size), 8 * real(batch * size)};
}

namespace {

Cost sparse_matmul_cost(std::int64_t batch, const SparseRows& m) {
    if (batch == 0) return {};
    return {kComplex * real(batch * (m.rows + m.columns) + m.entries) +
                kIndex * real((m.value != nullptr ? 2 : 1) * m.entries + m.rows + 1),
            8 * real(batch * m.entries)};
}

}  // namespace

Cost SparseMatMul::cost() const { return sparse_matmul_cost(batch, matrix); }

Cost SparseMatMulWeightGradient::cost() const { return sparse_matmul_cost(batch, matrix); }

Cost SparseSpectralMultiply::cost() const {
    return {kComplex * real(batch * (size + count) + count) + kIndex * real(count), 6 * real(batch * count)};
}

Cost SparseSpectralWeightGradient::cost() const {
    return {kComplex * real(2 * batch * count + count) + kIndex * real(count), 8 * real(batch * count)};
}

}  // namespace spectral
