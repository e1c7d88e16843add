// A trainer and the model file: what is written of a run, and what a run begins with.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/train/file_model.hpp"
#include "engine/train/trainer_impl.hpp"

namespace spectral {

namespace {

/// The place in an epoch, counted in batches of another size: whole ones of that size. The samples left over
/// are trained on again, and leave the epoch's sums.
void count_in_batches_of(std::int64_t size, std::int64_t size_before, Checkpoint& at) {
    const std::int64_t samples = at.batch_in_epoch * size_before;
    at.batch_in_epoch = samples / size;
    if (samples == 0) return;
    const double kept = static_cast<double>(at.batch_in_epoch * size) / static_cast<double>(samples);
    at.epoch_loss_sum *= kept;
    at.epoch_correct = std::llround(kept * static_cast<double>(at.epoch_correct));
}

}  // namespace

void Trainer::replace(const ParameterPart& part) {
    Impl& s = *impl_;
    Parameter* target = nullptr;
    std::vector<std::string> known;
    for (Layer* layer : s.model->layers()) {
        for (Parameter* parameter : layer->parameters()) {
            if (!parameter->trained) continue;
            known.push_back(tensor_name(*layer, *parameter));
            if (known.back() == part.parameter) target = parameter;
        }
    }
    if (target == nullptr)
        throw BadValue("parameter", fmt::format("the model trains no '{}'", part.parameter),
                       fmt::format("it has {}", fmt::join(known, ", ")));
    require_fit(part, target->value.shape());
    const auto place = std::ranges::find(s.parameters, target) - s.parameters.begin();
    require(place >= std::ssize(s.stored) || !s.stored[static_cast<std::size_t>(place)], "parameter",
            "it follows from the numbers that are stored of it");
    s.backend->copy_to_device(target->value.data() + part.first, part.values.data(),
                              part.values.size() * sizeof(float));
    s.optimiser->forget(*s.backend, *target, part.first, std::ssize(part.values));
    s.provenance.add({part.parameter, s.at.step, part.first, std::ssize(part.values)});
}

std::int64_t Trainer::replacements() const { return impl_->provenance.replacements; }

std::size_t Trainer::model_file_bytes(bool with_state) {
    Impl& s = *impl_;
    std::size_t bytes = bytes_of(s.history);
    if (s.standardisation) bytes += 2 * static_cast<std::size_t>(s.train->columns) * sizeof(float);
    for (const Parameter* parameter : s.parameters) bytes += parameter->value.bytes();
    if (with_state)
        for (const Optimiser::State& state : s.optimiser->state()) bytes += state.tensor->bytes();
    return bytes;
}

ModelFile Trainer::model_file(bool with_state) {
    Impl& s = *impl_;
    ModelFile file;
    file.config = to_json(s.config);
    file.feature_shape = s.train->shape;
    file.seed = static_cast<std::uint64_t>(s.config.seed);
    file.learning_rate = s.at.learning_rate;
    file.dataset = s.dataset->name;
    file.dataset_sha256 = s.dataset->sha256;
    file.vocabulary = s.dataset->vocabulary;
    file.metrics = s.metrics;
    if (s.standardisation) file.layers.push_back(s.standardisation->record());
    std::size_t i = 0;
    for (Layer* layer : s.model->layers()) {
        LayerRecord record{layer->name(), std::string(layer->kind()), layer->config(), {}};
        for (const Parameter* parameter : layer->parameters()) {
            const StoredWeight* stored = i < s.stored.size() ? s.stored[i].get() : nullptr;
            ++i;
            if (stored == nullptr) {
                record.tensors.push_back({parameter->name, parameter->value.to_host(*s.backend)});
                record.tensors.back().trained = parameter->trained;
                continue;
            }
            PackedTensor packed = stored->packed();
            HostTensor unpacked = unpack(s.device, packed);
            record.tensors.push_back({parameter->name, std::move(unpacked), std::move(packed)});
        }
        file.layers.push_back(std::move(record));
    }
    file.history = s.history;
    file.provenance = s.provenance;
    if (with_state) {
        file.checkpoint = s.at;
        file.checkpoint->steps_per_epoch = s.steps_per_epoch();
        for (const Optimiser::State& state : s.optimiser->state())
            file.checkpoint->optimiser.push_back({state.name, state.tensor->to_host(*s.backend)});
    }
    return file;
}

void Trainer::restore(const ModelFile& file) {
    Impl& s = *impl_;
    const auto mismatch = [](const std::string& why) {
        return Error("model file", why, "resume it with its own configuration and data");
    };
    if (file.dataset_sha256 != s.dataset->sha256)
        throw mismatch(fmt::format("it was trained on other data than '{}' holds now", s.dataset->name));
    if (Standardisation::from(file, s.train->columns).has_value() != s.standardisation.has_value())
        throw mismatch("its features are not standardised as the configuration says");
    load_layers(s.device, *s.model, file);
    if (!file.checkpoint) return;

    const std::vector<Optimiser::State> states = s.optimiser->state();
    const std::vector<NamedTensor>& saved = file.checkpoint->optimiser;
    if (states.size() != saved.size())
        throw mismatch("its optimiser state does not fit the configured optimiser");
    for (std::size_t i = 0; i < states.size(); ++i) {
        if (states[i].name != saved[i].name)
            throw mismatch(fmt::format("optimiser state '{}' is missing", states[i].name));
        states[i].tensor->assign(*s.backend, saved[i].tensor);
    }
    const Checkpoint& c = *file.checkpoint;
    const std::int64_t batch = std::min(config_from_json(file.config, "model file").batch, s.train_count());
    if (c.step < 0 || c.epoch < 0 || c.batch_in_epoch < 0 ||
        c.batch_in_epoch >= (s.train_count() + batch - 1) / batch || !std::isfinite(c.learning_rate) ||
        c.learning_rate < 0)
        throw mismatch("its checkpoint's counters do not fit the configured run");
    s.at = c;
    s.at.optimiser.clear();
    count_in_batches_of(s.batch_size(), batch, s.at);
    s.history = file.history;
    s.metrics = file.metrics;
    s.provenance.start_sha256 = file.provenance.start_sha256;
    s.provenance.replacements = file.provenance.replacements;
    s.provenance.replaced = file.provenance.replaced;
    s.order_ready = false;
    s.epoch_seconds = 0;
    s.resumed_within_epoch = s.at.batch_in_epoch > 0;
}

void Trainer::start_from(const ModelFile& file, std::string sha256) {
    Impl& s = *impl_;
    const auto unfit = [](const std::string& why) {
        return BadValue("start", why, "give a model of data like these");
    };
    if (file.vocabulary.size() > 0 && file.vocabulary != s.dataset->vocabulary)
        throw unfit("its model knows other characters than the text has");
    try {
        s.take_weights(file);
    } catch (const OutOfMemory&) {
        throw;
    } catch (const Error& error) {
        throw unfit(error.what());
    }
    s.provenance.start_sha256 = std::move(sha256);
}

void Trainer::start_from_stored(const ModelFile& file) {
    Impl& s = *impl_;
    s.take_weights(file);
    s.stored.clear();
    std::vector<Parameter*> trained;
    auto parameter = s.parameters.begin();
    for (const LayerRecord& layer : network_layers(file)) {
        for (const NamedTensor& tensor : layer.tensors) {
            s.stored.push_back(tensor.packed && (*parameter)->trained
                                   ? make_stored_weight(s.device, **parameter, *tensor.packed)
                                   : nullptr);
            if (s.stored.back()) {
                for (Parameter* numbers : s.stored.back()->numbers()) trained.push_back(numbers);
            } else {
                trained.push_back(*parameter);
            }
            ++parameter;
        }
    }
    s.optimiser = make_optimiser(s.config.optimiser, s.device, trained, s.config.momentum);
}

}  // namespace spectral
