#include "engine/nn/input_rows.hpp"

#include "kernels/ops/gather.hpp"

namespace spectral {

LayerInput InputRows::gathered(std::int64_t batch, const LayerInput& x) {
    if (gathered_.data() == nullptr)
        gathered_ = Tensor(device_, MemoryTag::activations, {max_batch_, size_}, layer_ + " input rows");
    device_.backend.run(GatherRows{batch, size_, x.x, x.stride, x.rows, gathered_.data(), size_});
    return {gathered_.data(), size_, nullptr};
}

}  // namespace spectral
