// A training step of PureFFT made of its parts, for the levels that do not fuse the whole step.
#pragma once

#include "kernels/backend.hpp"
#include "kernels/ops/loss.hpp"
#include "kernels/ops/purefft.hpp"

namespace spectral {

template <Level kLevel>
void run_purefft_step(Backend& backend, const PureFftStep& op) {
    const PureFftSizes& s = op.sizes;
    backend.run(PureFftForward{s, op.input, op.parameters, op.logits, op.scratch}, kLevel);
    backend.run(SoftmaxNll{s.batch, s.classes, op.logits, op.labels, op.logits, op.sums});
    backend.run(PureFftBackward{s, op.input, op.parameters, op.logits, op.gradients, op.scratch}, kLevel);
}

}  // namespace spectral
