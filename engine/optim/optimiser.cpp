#include "engine/optim/optimiser.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <numbers>

#include "engine/core/error.hpp"

namespace spectral {

namespace {

std::vector<Tensor> state_like(Device device, const std::vector<Parameter*>& parameters,
                               std::string_view holder) {
    std::vector<Tensor> result;
    for (const Parameter* parameter : parameters)
        result.emplace_back(device, MemoryTag::optimiser, parameter->value.shape(), holder);
    return result;
}

void list_state(std::vector<Optimiser::State>& states, std::string_view name, std::vector<Tensor>& tensors) {
    for (std::size_t i = 0; i < tensors.size(); ++i)
        states.push_back({fmt::format("{}_{}", name, i), &tensors[i]});
}

ParameterSlot slot_of(const Parameter& parameter) {
    return {.size = parameter.value.size(), .g = parameter.gradient.data(), .w = parameter.value.data()};
}

class AdamOptimiser final : public Optimiser {
public:
    AdamOptimiser(Device device, const std::vector<Parameter*>& parameters)
        : backend_(device.backend),
          m_(state_like(device, parameters, "adam first moments")),
          v_(state_like(device, parameters, "adam second moments")) {
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            slots_.push_back(slot_of(*parameters[i]));
            slots_.back().m = m_[i].data();
            slots_.back().v = v_[i].data();
        }
    }

    void update(std::int64_t step, double learning_rate, const StepVerdict* verdict) override {
        backend_.run(Adam{.parameters = slots_,
                          .step = step,
                          .learning_rate = static_cast<float>(learning_rate),
                          .verdict = verdict});
    }

    std::vector<State> state() override {
        std::vector<State> states;
        list_state(states, "adam_m", m_);
        list_state(states, "adam_v", v_);
        return states;
    }

private:
    Backend& backend_;
    std::vector<Tensor> m_, v_;
};

/// SGD with momentum, and golden momentum, which is the same rule with momentum 1/φ.
class MomentumOptimiser final : public Optimiser {
public:
    MomentumOptimiser(Device device, const std::vector<Parameter*>& parameters, double momentum)
        : backend_(device.backend),
          momentum_(momentum),
          velocity_(state_like(device, parameters, "momentum")) {
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            slots_.push_back(slot_of(*parameters[i]));
            slots_.back().v = velocity_[i].data();
        }
    }

    void update(std::int64_t /*step*/, double learning_rate, const StepVerdict* verdict) override {
        backend_.run(MomentumUpdate{.parameters = slots_,
                                    .learning_rate = static_cast<float>(learning_rate),
                                    .momentum = static_cast<float>(momentum_),
                                    .verdict = verdict});
    }

    std::vector<State> state() override {
        std::vector<State> states;
        list_state(states, "velocity", velocity_);
        return states;
    }

private:
    Backend& backend_;
    double momentum_;
    std::vector<Tensor> velocity_;
};

}  // namespace

void Optimiser::forget(Backend& backend, const Parameter& parameter, std::int64_t first, std::int64_t count) {
    for (const ParameterSlot& slot : slots_) {
        if (slot.w != parameter.value.data()) continue;
        for (float* kept : {slot.m, slot.v})
            if (kept != nullptr)
                backend.fill_zero(kept + first, static_cast<std::size_t>(count) * sizeof(float));
    }
}

const std::vector<OptimiserInfo>& optimiser_registry() {
    static const std::vector<OptimiserInfo> registry{
        {"adam", "Adam", "per-parameter step from running moments of the gradient", 1e-3},
        {"sgd", "SGD with momentum", "v ← momentum·v + g, w ← w − lr·v", 0.01},
        {"golden", "Golden momentum", "SGD with momentum 1/φ", 0.027395}};
    return registry;
}

const OptimiserInfo& find_optimiser(std::string_view name) {
    const auto& registry = optimiser_registry();
    const auto found = std::ranges::find(registry, name, &OptimiserInfo::name);
    if (found != registry.end()) return *found;
    std::vector<std::string_view> known;
    for (const OptimiserInfo& info : registry) known.push_back(info.name);
    throw Error(fmt::format("optimiser '{}'", name), "unknown",
                fmt::format("known: {}", fmt::join(known, ", ")));
}

std::unique_ptr<Optimiser> make_optimiser(std::string_view name, Device device,
                                          const std::vector<Parameter*>& parameters, double momentum) {
    const OptimiserInfo& info = find_optimiser(name);
    std::vector<Parameter*> trained;
    std::ranges::copy_if(parameters, std::back_inserter(trained), &Parameter::trained);
    if (info.name == "adam") return std::make_unique<AdamOptimiser>(device, trained);
    const double used = info.name == "golden" ? 1 / std::numbers::phi : momentum;
    return std::make_unique<MomentumOptimiser>(device, trained, used);
}

}  // namespace spectral
