// A training step that is queued as one piece of work: the same bits as operation by operation.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/optimiser.hpp"
#include "kernels/ops/purefft.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

/// Steps of PureFFT over a few batches, the last of an epoch smaller, with a product of changing shape.
std::vector<float> trained(Backend& backend, bool as_one, Level level) {
    constexpr std::int64_t kRows = 80, kBatch = 32;
    const PureFftSizes sizes{0, 8, 2, 10, 17};
    const std::int64_t stride = padded_columns(sizes.frequencies);
    const std::int64_t pool = sizes.patterns * sizes.frequencies, layer = sizes.layers * sizes.frequencies,
                       all = pool + layer + sizes.classes * sizes.frequencies;
    std::vector<float> rows = normal_values(kRows * stride, 1);
    for (std::int64_t i = 0; i < kRows * stride; ++i)
        if (i % stride >= sizes.frequencies) rows[static_cast<std::size_t>(i)] = 0;
    const std::vector<float> start = normal_values(all, 2, 0.3), zeros(static_cast<std::size_t>(all));
    std::vector<std::int32_t> labels;
    for (std::int32_t i = 0; i < kRows; ++i) labels.push_back(i % 10);
    Array<float> x(backend, std::span<const float>(rows)), w(backend, std::span<const float>(start)),
        g(backend, std::span<const float>(zeros)), m(backend, std::span<const float>(zeros)),
        v(backend, std::span<const float>(zeros)), logits(backend, kBatch * sizes.classes),
        product(backend, kBatch * kBatch),
        scratch(backend, purefft_scratch_size({kBatch, 8, 2, 10, 17}, level, backend.threads()));
    Array<std::int32_t> labels_d(backend, std::span<const std::int32_t>(labels));
    Array<LossSums> sums(backend, 1);
    Array<StepVerdict> verdict(backend, 1);
    const std::vector<ParameterSlot> slots{{all, g.data(), w.data(), m.data(), v.data()}};
    for (std::int64_t step = 1, first = 0; step <= 9;
         ++step, first = first + kBatch < kRows ? first + kBatch : 0) {
        const std::int64_t batch = std::min(kBatch, kRows - first);
        const auto queue = [&] {
            PureFftSizes own = sizes;
            own.batch = batch;
            backend.run(PureFftStep{own,
                                    {x.data() + first * stride, stride, nullptr},
                                    {w.data(), w.data() + pool, w.data() + pool + layer},
                                    labels_d.data() + first,
                                    logits.data(),
                                    {g.data(), g.data() + pool, g.data() + pool + layer},
                                    sums.data(),
                                    scratch.data()},
                        level);
            backend.run(MatMul{.m = batch,
                               .n = batch,
                               .k = stride,
                               .transpose_b = true,
                               .a = x.data(),
                               .lda = stride,
                               .b = x.data(),
                               .ldb = stride,
                               .c = product.data(),
                               .ldc = batch});
            backend.run(JudgeStep{slots, sums.data(), verdict.data()});
            backend.run(Adam{.parameters = slots,
                             .step = step,
                             .learning_rate = 0.01F / static_cast<float>(step),
                             .verdict = verdict.data()});
        };
        if (as_one)
            backend.run_as_one(queue);
        else
            queue();
        EXPECT_TRUE(verdict.host()[0].finite());
    }
    std::vector<float> result = w.host();
    const std::vector<float> products = product.host();
    result.insert(result.end(), products.begin(), products.begin() + 16 * 16);
    return result;
}

TEST(Step, AsOneHasTheSameBitsAsOperationByOperation) {
    const auto backend = open_tested(1);
    for (const Level level : backend->operations().levels(PureFftStep::name)) {
        SCOPED_TRACE(level_name(level));
        EXPECT_EQ(trained(*backend, true, level), trained(*backend, false, level));
    }
}

}  // namespace
}  // namespace spectral::test
