// What operations say they cost, against counts made by hand; and no shape makes a cost that is no number.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/ops/attention.hpp"
#include "kernels/ops/batch_norm.hpp"
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

namespace spectral::test {
namespace {

TEST(Cost, CountsByHand) {
    const Cost product = MatMul{.m = 2, .n = 3, .k = 5}.cost();
    EXPECT_EQ(product.flops, 2 * 2 * 3 * 5);
    EXPECT_EQ(product.bytes, 4 * (2 * 5 + 5 * 3 + 2 * 3));
    EXPECT_EQ((MatMul{.m = 2, .n = 3, .k = 5, .beta = 1}.cost().bytes), 4 * (2 * 5 + 5 * 3 + 2 * 2 * 3));

    const Cost transform = Rfft{3, {1, {8, 1, 1}}}.cost();  // 3 signals of 8 in, 5 complex values out
    EXPECT_EQ(transform.bytes, 3 * (8 * 4 + 5 * 8));
    EXPECT_EQ(transform.flops, 3 * 2.5 * 8 * 3);

    // One epoch's batch of the benchmarks: reading the samples is nearly all of the traffic.
    const PureFftSizes sizes{256, 8, 2, 10, 393};
    PureFftStep training;
    training.sizes = sizes;
    const Cost step = training.cost();
    EXPECT_EQ(step.bytes, 4.0 * (256 * (393 + 10) + 2 * 20 * 393));
    EXPECT_NEAR(step.flops, 4.0 * 256 * 10 * 393, 0.1 * step.flops);

    const std::vector<ParameterSlot> slots{{.size = 3}, {.size = 4}};
    EXPECT_EQ((Adam{.parameters = slots}.cost().bytes), 7 * 4 * 7);  // w, m, v read and written, g read
    EXPECT_EQ((GatherRows{.batch = 3, .columns = 4}.cost().bytes), 3 * (2 * 4 * 4 + 4));
    EXPECT_EQ((GatherColumns{.batch = 3, .count = 4}.cost().bytes), 3 * 4 * 2 * 4 + 4 * 4);

    Attention attention;
    attention.shape = {.batch = 2, .heads = 3, .queries = 4, .keys = 6, .size = 8};
    EXPECT_EQ(attention.cost().bytes, 4 * 6 * (2 * 4 * 8 + 2 * 6 * 8 + 4));  // q, y, k, v, log sums
    EXPECT_EQ(attention.cost().flops, 6 * 4 * 6 * (4 * 8 + 12));
    attention.shape.causal = true;  // 3 + 4 + 5 + 6 keys
    EXPECT_EQ(attention.cost().flops, 6 * 18 * (4 * 8 + 12));

    EXPECT_EQ((Softmax{2, 3, 5}.cost().bytes), 2 * 4 * 2 * 3 * 5);
    // Of three rows: in and out, scale and shift, mean and deviation.
    EXPECT_EQ((LayerNorm{{.batch = 3, .size = 5}}.cost().bytes), 4 * (2 * 3 * 5 + 2 * 5 + 2 * 3));

    EXPECT_EQ((TopK{.size = 100, .k = 7}.cost().bytes), 100 * 8 + 7 * (8 + 4));
    EXPECT_EQ((SparseScatter{.count = 7, .size = 100}.cost().bytes), 7 * (8 + 4) + 100 * 8);
    EXPECT_EQ((SpectralMultiply{.batch = 3, .size = 5}.cost().bytes), 8 * (3 * 5 + 5 + 3 * 5));
    const SpectralFilterShape filter{.batch = 3, .in_channels = 4, .out_channels = 6, .groups = 2, .bins = 5};
    EXPECT_EQ(SpectralFilter{filter}.cost().bytes, 8 * (3 * 4 * 5 + 3 * 6 * 5 + 6 * 2 * 5));
    EXPECT_EQ((SparseSpectralMultiply{.batch = 3, .size = 50, .count = 4}.cost().bytes),
              3 * (4 + 50) * 8 + 4 * (8 + 4));
}

TEST(Cost, EmptyIsFree) {
    const SignalShape signal{1, {16, 1, 1}};
    for (const Cost cost : {Rfft{0, signal}.cost(),
                            RfftMagnitude{0, signal}.cost(),
                            Dct{0, signal}.cost(),
                            Magnitude{}.cost(),
                            MagnitudeBackward{}.cost(),
                            MatMul{}.cost(),
                            BiasAdd{}.cost(),
                            ColumnSum{}.cost(),
                            Activation{}.cost(),
                            ActivationBackward{}.cost(),
                            Multiply{}.cost(),
                            AddScaled{}.cost(),
                            EvolvePattern{}.cost(),
                            RicciStep{}.cost(),
                            HeatFlow{}.cost(),
                            Convolve{}.cost(),
                            ConvolveWeightGradient{}.cost(),
                            MaxPool{}.cost(),
                            MaxPoolBackward{}.cost(),
                            AveragePool{}.cost(),
                            AveragePoolBackward{}.cost(),
                            ConvolutionSpectrum{}.cost(),
                            TiledConvolve{{}, {2, {1, 1}}}.cost(),
                            Adam{}.cost(),
                            MomentumUpdate{}.cost(),
                            JudgeStep{}.cost(),
                            SoftmaxNll{}.cost(),
                            Attention{}.cost(),
                            AttentionBackward{}.cost(),
                            SwiGlu{}.cost(),
                            SwiGluBackward{}.cost(),
                            Dropout{}.cost(),
                            ScatterAddRows{}.cost(),
                            Softmax{}.cost(),
                            SoftmaxBackward{}.cost(),
                            EmbedTokens{}.cost(),
                            WindingFeatures{}.cost(),
                            Harmonise{}.cost(),
                            HarmoniseBackward{}.cost(),
                            BatchNorm{}.cost(),
                            BatchNormBackward{}.cost(),
                            LayerNorm{}.cost(),
                            LayerNormGelu{}.cost(),
                            LayerNormBackward{}.cost(),
                            LayerNormGeluBackward{}.cost(),
                            GatherRows{}.cost(),
                            GatherColumns{}.cost(),
                            RoundInBlocks{}.cost(),
                            Log1p{}.cost(),
                            ColumnMoments{}.cost(),
                            Standardise{}.cost(),
                            PureFftForward{}.cost(),
                            PureFftBackward{}.cost(),
                            PureFftStep{}.cost(),
                            PureFftGain{}.cost(),
                            SparseGather{}.cost(),
                            SparseMatMul{}.cost(),
                            SparseMatMulWeightGradient{}.cost(),
                            SparseScatter{}.cost(),
                            SparseMultiply{}.cost(),
                            SparseAdd{}.cost(),
                            SelectAbove{}.cost(),
                            TopK{}.cost(),
                            ComplexEnergy{}.cost(),
                            ComplexSum{}.cost(),
                            PeakMagnitude{}.cost(),
                            SpectralNormalise{}.cost(),
                            SpectralNormaliseBackward{}.cost(),
                            SpectralBatchNorm{}.cost(),
                            SpectralBatchNormBackward{}.cost(),
                            FourierMix{}.cost(),
                            Irfft{0, signal}.cost(),
                            IrfftBackward{0, signal}.cost(),
                            SpectralFilter{}.cost(),
                            SpectralFilterBackward{}.cost(),
                            SpectralFilterGradient{}.cost(),
                            ModRelu{}.cost(),
                            ModReluBackward{}.cost(),
                            SpectralMultiply{}.cost(),
                            SpectralWeightGradient{}.cost(),
                            SparseSpectralMultiply{}.cost(),
                            SparseSpectralWeightGradient{}.cost()}) {
        EXPECT_EQ(cost.bytes, 0);
        EXPECT_EQ(cost.flops, 0);
    }
}

}  // namespace
}  // namespace spectral::test
