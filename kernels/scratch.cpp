// Working memory that operations ask for, large enough for every backend.
#include "kernels/attention_scratch.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/purefft.hpp"

namespace spectral {

std::int64_t RfftMagnitude::scratch_size(std::int64_t batch, const SignalShape& shape) {
    return batch * 2 * rfft_scratch_row(shape);
}

std::int64_t Attention::scratch_size(const AttentionShape& shape, const AttentionTile& tile, int threads) {
    return threads * AttentionScratch(shape, tile).total();
}

std::int64_t AttentionBackward::scratch_size(const AttentionShape& shape, const AttentionTile& /*tile*/,
                                             int threads) {
    return attention_backward_rows(shape) + threads * attention_backward_scratch(shape);
}

std::int64_t purefft_scratch_size(const PureFftSizes& sizes, Level level, int parts) {
    if (level == Level::reference) {
        const std::int64_t values = sizes.batch * sizes.frequencies;
        return values * (sizes.patterns + sizes.layers + 3) + sizes.patterns * (sizes.layers + 1);
    }
    const std::int64_t stride = padded_columns(sizes.frequencies);
    const std::int64_t weights = (2 * sizes.layers + 1) * padded_columns(sizes.patterns);
    const std::int64_t rows = 2 * sizes.layers + 4 + sizes.classes;
    return weights + stride * (rows + parts * purefft_part_rows(sizes));
}

}  // namespace spectral
