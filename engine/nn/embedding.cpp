#include "engine/nn/embedding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/transfer.hpp"
#include "engine/nn/composite.hpp"
#include "engine/nn/syntony.hpp"

namespace spectral {

namespace {

void append(std::vector<Parameter*>& all, const std::vector<Parameter*>& more) {
    all.insert(all.end(), more.begin(), more.end());
}

void assign_value(Backend& backend, Parameter& parameter, float value) {
    parameter.value.assign(backend, {parameter.value.shape(), {value}});
}

std::int64_t checked_windings(std::int64_t windings) {
    if (windings < 1 || windings > kMostWindings)
        throw BadValue("windings", fmt::format("{} is not in 1–{}", windings, kMostWindings));
    return windings;
}

}  // namespace

LookupEmbedding::LookupEmbedding(Device device, std::string name, SequenceSize size, std::int64_t vocabulary,
                                 std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use)
    : TokenLayer(device, std::move(name), size, vocabulary, max_batch, use),
      table_(device, this->name(), vocabulary, size.width, -1, most_tokens(), 1, seed, stream, use) {}

void LookupEmbedding::forward(std::int64_t batch, const LayerInput& x, float* y, bool /*training*/) {
    table_.take(tokens(batch, x), 1, y);
}

void LookupEmbedding::backward(std::int64_t batch, const float* dy, float* dx) {
    require_no_input_gradient(dx);
    table_.give_back(batch * size().places, dy);
}

SyntonicEmbedding::Harmony::Harmony(Device device, const TokenLayer& layer, std::int64_t width,
                                    std::int64_t most_tokens, std::uint64_t seed, std::uint64_t stream,
                                    Use use)
    : harmony(device, "harmony", width, width, most_tokens, seed, stream, use),
      syntony(device, "syntony", width, width, most_tokens, seed, stream + 1, use),
      beta(device, "beta", {1}, layer.name(), use),
      gamma(device, "gamma", {1}, layer.name(), use) {
    const auto make = [&](const char* what) {
        return Tensor(device, MemoryTag::activations, {most_tokens, width}, layer.name() + what);
    };
    before = make(" vectors");
    h = make(" harmony");
    s = make(" syntony");
    if (use == Use::run) return;
    along_h = make(" harmony gradient");
    along_s = make(" syntony gradient");
    scratch = Buffer(
        device, MemoryTag::workspace,
        static_cast<std::size_t>(HarmoniseBackward::scratch_size(most_tokens * width)) * sizeof(double),
        layer.name() + " sums");
    assign_value(device.backend, beta, 0.1F);
    assign_value(device.backend, gamma, 0.1F);
}

SyntonicEmbedding::SyntonicEmbedding(Device device, std::string name, SequenceSize size,
                                     std::int64_t vocabulary, const SyntonicOptions& options,
                                     std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream,
                                     Use use)
    : TokenLayer(device, std::move(name), size, vocabulary, max_batch, use),
      table_(device, this->name(), vocabulary, size.width, options.padding, most_tokens(),
             1 / (std::numbers::phi * std::sqrt(static_cast<double>(size.width))), seed, stream, use),
      norm_(device, "norm", size, max_batch, LayerNormLayer::Then::nothing, use, kSyntonicGain),
      vectors_(device, MemoryTag::activations, {max_batch, size.values()}, this->name() + " before its norm"),
      scale_(static_cast<float>(std::sqrt(static_cast<double>(size.width)))) {
    if (options.harmonise)
        harmony_ = std::make_unique<Harmony>(device, *this, size.width, most_tokens(), seed, stream + 1, use);
    if (use == Use::train)
        gradient_ = Tensor(device, MemoryTag::activations, {max_batch, size.values()},
                           this->name() + " gradient before its norm");
    parameters_ = {&table_.parameter()};
    if (harmony_ != nullptr) {
        append(parameters_, adopt(harmony_->harmony));
        append(parameters_, adopt(harmony_->syntony));
        append(parameters_, {&harmony_->beta, &harmony_->gamma});
    }
    append(parameters_, adopt(norm_));
}

Json SyntonicEmbedding::config() const {
    Json config = TokenLayer::config();
    config["padding"] = table_.padding();
    config["harmonise"] = harmony_ != nullptr;
    return config;
}

void SyntonicEmbedding::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const std::int64_t count = batch * size().places, width = size().width;
    if (harmony_ == nullptr) {
        table_.take(tokens(batch, x), scale_, vectors_.data());
    } else {
        Harmony& part = *harmony_;
        table_.take(tokens(batch, x), scale_, part.before.data());
        const LayerInput before{part.before.data(), width, nullptr};
        part.harmony.forward(count, before, part.h.data(), training);
        part.syntony.forward(count, before, part.s.data(), training);
        device().backend.run(Harmonise{count * width, part.before.data(), part.h.data(), part.s.data(),
                                       part.beta.value.data(), part.gamma.value.data(), vectors_.data()});
    }
    norm_.forward(batch, {vectors_.data(), size().values(), nullptr}, y, training);
}

void SyntonicEmbedding::backward(std::int64_t batch, const float* dy, float* dx) {
    require_no_input_gradient(dx);
    const std::int64_t count = batch * size().places, all = batch * size().values();
    Backend& backend = device().backend;
    float* gradient = gradient_.data();
    norm_.backward(batch, dy, gradient);
    if (harmony_ != nullptr) {
        Harmony& part = *harmony_;
        backend.run(HarmoniseBackward{all, part.h.data(), part.s.data(), part.beta.value.data(),
                                      part.gamma.value.data(), gradient, part.h.data(), part.s.data(),
                                      part.beta.gradient.data(), part.gamma.gradient.data(),
                                      part.scratch.as<double>()});
        part.harmony.backward(count, part.h.data(), part.along_h.data());
        part.syntony.backward(count, part.s.data(), part.along_s.data());
        for (const Tensor* along : {&part.along_h, &part.along_s})
            backend.run(AddScaled{all, 1, gradient, along->data(), gradient});
    }
    backend.run(AddScaled{all, scale_ - 1, gradient, gradient, gradient});  // √width times
    table_.give_back(count, gradient);
}

std::optional<double> SyntonicEmbedding::syntony() {
    if (harmony_ == nullptr) return std::nullopt;
    Harmony& part = *harmony_;
    Backend& backend = device().backend;
    const std::int64_t count = std::min({vocabulary(), kTunedTokens, most_tokens()}), width = size().width,
                       all = count * width;
    std::vector<float> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0.0F);
    const Buffer tokens = upload(device(), numbers, MemoryTag::workspace, name() + " tokens to tune");
    const Buffer zero(device(), MemoryTag::workspace, sizeof(float), name() + " no factor");
    const auto* no_factor = zero.as<float>();
    float *before = part.before.data(), *moved = vectors_.data();
    const LayerInput from{before, width, nullptr}, then{moved, width, nullptr};
    table_.take({count, 1, tokens.as<float>(), 1, nullptr}, scale_, before);
    part.syntony.forward(count, from, part.s.data(), false);
    part.harmony.forward(count, from, part.h.data(), false);
    backend.run(
        Harmonise{all, before, part.h.data(), part.s.data(), no_factor, part.gamma.value.data(), moved});
    part.harmony.forward(count, then, part.h.data(), false);
    const auto x = download<float>(backend, before, all),
               differentiated = download<float>(backend, moved, all);
    backend.run(
        Harmonise{all, moved, part.h.data(), part.s.data(), part.beta.value.data(), no_factor, moved});
    const auto harmonised = download<float>(backend, moved, all);
    double sum = 0;
    for (std::int64_t token = 0; token < count; ++token) {
        const auto row = [&](const std::vector<float>& values) {
            return std::span(values).subspan(static_cast<std::size_t>(token * width),
                                             static_cast<std::size_t>(width));
        };
        sum += layer_syntony(row(x), row(differentiated), row(harmonised));
    }
    return sum / static_cast<double>(count);
}

WindingEmbedding::WindingEmbedding(Device device, std::string name, SequenceSize size,
                                   std::int64_t vocabulary, std::int64_t windings, std::int64_t max_batch,
                                   std::uint64_t seed, std::uint64_t stream, Use use)
    : TokenLayer(device, std::move(name), size, vocabulary, max_batch, use),
      windings_(checked_windings(windings)),
      winding_(upload(device, winding_numbers(windings), MemoryTag::parameters, this->name() + " windings")),
      projection_(device, "projection", 2 * windings, size.width, most_tokens(), seed, stream, use),
      norm_(device, "norm", size, max_batch, LayerNormLayer::Then::nothing, use, kSyntonicGain),
      parameters_(adopt(projection_)),
      features_(device, MemoryTag::activations, {most_tokens(), 2 * windings}, this->name() + " features"),
      projected_(device, MemoryTag::activations, {max_batch, size.values()}, this->name() + " projection") {
    if (vocabulary > kMostTurns)
        throw BadValue("vocabulary", fmt::format("{} is above {}", vocabulary, kMostTurns));
    append(parameters_, adopt(norm_));
    if (use == Use::train)
        gradient_ = Tensor(device, MemoryTag::activations, {max_batch, size.values()},
                           this->name() + " projection gradient");
}

Json WindingEmbedding::config() const {
    Json config = TokenLayer::config();
    config["windings"] = windings_;
    return config;
}

void WindingEmbedding::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    device().backend.run(WindingFeatures{tokens(batch, x), vocabulary(), windings_,
                                         winding_.as<std::int64_t>(), features_.data()});
    projection_.forward(batch * size().places, {features_.data(), 2 * windings_, nullptr}, projected_.data(),
                        training);
    norm_.forward(batch, {projected_.data(), size().values(), nullptr}, y, training);
}

void WindingEmbedding::backward(std::int64_t batch, const float* dy, float* dx) {
    require_no_input_gradient(dx);
    norm_.backward(batch, dy, gradient_.data());
    projection_.backward(batch * size().places, gradient_.data(), nullptr);
    if (pull_) pull_->add_gradient(*projection_.parameters().front());
}

bool WindingEmbedding::pull_to_syntony(double weight) {
    std::vector<double> norms;  // a cosine and a sine of every winding
    for (std::int64_t winding = 0; winding < windings_; ++winding)
        norms.insert(norms.end(), 2, static_cast<double>(winding));
    pull_.emplace(device(), name(), size().width, norms, weight);
    return true;
}

std::optional<double> WindingEmbedding::syntony() {
    const HostTensor weight = projection_.parameters().front()->value.to_host(device().backend);
    std::vector<double> squares(static_cast<std::size_t>(windings_)), norms(squares.size());
    for (std::size_t at = 0; at < weight.values.size(); ++at)
        squares[at / 2 % squares.size()] +=
            static_cast<double>(weight.values[at]) * static_cast<double>(weight.values[at]);
    std::vector<float> modes;
    for (const double square : squares) modes.push_back(static_cast<float>(std::sqrt(square)));
    std::iota(norms.begin(), norms.end(), 0.0);
    return spectral::syntony(modes, norms);
}

std::vector<std::int64_t> winding_numbers(std::int64_t count) {
    std::vector<std::int64_t> numbers;
    for (std::int64_t next = 1; std::ssize(numbers) < count; ++next) {
        const auto shares_no_factor = [&](std::int64_t w) { return std::gcd(w, next) == 1; };
        if (!std::ranges::all_of(numbers, shares_no_factor)) continue;
        numbers.push_back(next);
        // After 1 comes 2, as the rule has it too: ⌊φ⌋ + 1.
        next = static_cast<std::int64_t>(std::floor(static_cast<double>(next) * std::numbers::phi));
    }
    return numbers;
}

}  // namespace spectral
