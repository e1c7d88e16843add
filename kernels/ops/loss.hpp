// Softmax followed by the negative log-likelihood, and its gradient, in one operation.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// sums.loss = Σ_b −log softmax(logits[b])[labels[b]], sums.correct = number of rows whose largest logit (the
/// first of equals) is the label. When `d_logits` is not null it receives ∂(sums.loss / batch)/∂logits and
/// may be the same memory as `logits`.
struct SoftmaxNll {
    static constexpr std::string_view name = "softmax_nll";
    std::int64_t batch = 0, classes = 0;
    const float* logits = nullptr;
    const std::int32_t* labels = nullptr;
    float* d_logits = nullptr;
    LossSums* sums = nullptr;
    Cost cost() const;
};

}  // namespace spectral
