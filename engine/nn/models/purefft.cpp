// PureFFT in the registry.
#include "engine/nn/purefft.hpp"

#include <memory>

#include "engine/nn/models/families.hpp"
#include "engine/nn/models/fields.hpp"

namespace spectral {

namespace {

std::unique_ptr<Model> make_purefft(const ModelRequest& request) {
    return std::make_unique<PureFftModel>(request);
}

std::int64_t count_purefft(const Json& options, const SignalShape& shape, std::int64_t classes) {
    return (options.at("patterns").get<std::int64_t>() + options.at("layers").get<std::int64_t>() + classes) *
           shape.size();
}

}  // namespace

ModelInfo purefft_info() {
    return {
        "purefft",
        "PureFFT",
        "learned gains on spectral magnitudes, then class patterns",
        "PureFFT is a linear classifier on spectral magnitudes: its layers multiply into one gain per "
        "frequency. Depth and pool size add nothing, and it never sees the phase. Whatever it computes, "
        "logistic regression on the same features computes too.",
        "rfft_magnitude",
        {integer_field("patterns", 8, 1, 256, "rows of the pattern pool that the layers mix"),
         integer_field("layers", 2, 1, 16, "gains applied one after another"),
         choice_field(
             "precision", {"float32", "tf32", "bf16"},
             "what class scores are multiplied from: tf32 and bf16 use a GPU's tensor cores and change the "
             "last digits; without such a GPU it is float32 in any case")},
        make_purefft,
        count_purefft};
}

}  // namespace spectral
