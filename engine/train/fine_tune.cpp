#include "engine/train/fine_tune.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "engine/compress/method.hpp"
#include "engine/train/standardisation.hpp"
#include "engine/train/trainer.hpp"

namespace spectral {

ModelFile fine_tune(const ModelFile& source, const ModelFile& compressed, const ExperimentConfig& config,
                    std::shared_ptr<Workspace> workspace, const Progress& progress) {
    Trainer trainer(resolved(config), std::move(workspace), progress);
    trainer.start_from_stored(compressed);
    const auto epochs = static_cast<double>(std::max<std::int64_t>(1, trainer.config().epochs));
    using Clock = std::chrono::steady_clock;
    constexpr auto kReportEvery = std::chrono::milliseconds(20);  // a step may be tens of microseconds
    Clock::time_point next = Clock::now();
    while (!trainer.finished()) {
        if (Clock::now() >= next) {
            next = Clock::now() + kReportEvery;
            report(progress,
                   fmt::format("fine-tuning, epoch {} of {}", trainer.epochs_done() + 1,
                               trainer.config().epochs),
                   trainer.epoch() / epochs);
        }
        const Trainer::StepResult step = trainer.step();
        if (!step.finite)
            throw Error("fine-tuning", fmt::format("{} at step {}", step.trouble, trainer.step_count() + 1),
                        fmt::format("train at a lower rate than {:g}", trainer.learning_rate()));
    }
    ModelFile tuned = compressed;
    const ModelFile trained = trainer.model_file(false);
    const std::span<const LayerRecord> from = network_layers(trained), before = network_layers(source);
    require(from.size() == before.size(), "model to compare with", "it has another number of layers");
    const std::size_t first = tuned.layers.size() - from.size();
    for (std::size_t l = 0; l < from.size(); ++l) {
        LayerRecord& layer = tuned.layers[first + l];
        layer.tensors = from[l].tensors;
        for (std::size_t t = 0; t < layer.tensors.size(); ++t)
            if (std::optional<PackedTensor>& packed = layer.tensors[t].packed)
                packed->relative_error =
                    relative_error(before[l].tensors[t].tensor.values, layer.tensors[t].tensor.values);
    }
    return tuned;
}

CompressResult pack_and_tune(ModelCompressor& compressor, const CompressTarget& target,
                             const FixedTensors& fixed,
                             const std::function<ModelFile(const ModelFile& packed)>& tune,
                             const Progress& progress) {
    constexpr int kAttempts = 4;
    const std::optional<std::int64_t> wanted = compressor.target_bytes(target);
    CompressTarget within = target;
    std::optional<Error> grows;
    for (int attempt = 1;; ++attempt) {
        CompressResult packed;
        try {
            packed = compressor.pack(within, progress, fixed);
        } catch (const OutOfReach&) {
            if (grows) throw *grows;  // of bytes that were asked for, not of those it was to be packed to
            throw;
        }
        CompressResult result = compressor.result_of(tune(packed.model), fixed);
        if (!wanted || result.file_bytes <= *wanted) return result;
        grows.emplace("fine-tuning",
                      fmt::format("the file grows from {} to {} bytes, and {} were asked for",
                                  packed.file_bytes, result.file_bytes, *wanted),
                      "ask for more bytes, or leave fine-tuning out");
        // From what it was packed to, with as much again to spare.
        const std::int64_t over = result.file_bytes - *wanted;
        const std::int64_t next = std::min(packed.file_bytes, *wanted) - 2 * over;
        if (attempt == kAttempts || next < 1) throw *grows;
        within = {CompressTarget::By::bytes, static_cast<double>(next)};
    }
}

}  // namespace spectral
