#include "engine/nn/multi_head_attention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/nn/composite.hpp"
#include "engine/nn/rotary.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

std::string_view mode_name(AttentionMode mode) {
    switch (mode) {
        case AttentionMode::standard:
            return "standard";
        case AttentionMode::diffuse:
            return "diffuse";
        case AttentionMode::focused:
            return "focused";
        case AttentionMode::absorbed:
            return "absorbed";
    }
    return "?";
}

}  // namespace

std::int64_t head_size(std::int64_t width, const AttentionOptions& options) {
    if (options.heads < 1 || width % options.heads != 0)
        throw BadValue("heads", fmt::format("{} do not divide a width of {}", options.heads, width),
                       "choose a width that is a multiple of the heads");
    const std::int64_t size = width / options.heads;
    if (size > kMaxHeadSize)
        throw BadValue(
            "heads",
            fmt::format("{} of them have {} values each, more than {}", options.heads, size, kMaxHeadSize),
            "take more heads or a smaller width");
    if (options.rotary_base && size % 2 != 0)
        throw BadValue("heads", fmt::format("{} values of a head cannot be turned in pairs", size),
                       "choose heads of an even size, or another position encoding");
    return size;
}

MultiHeadAttention::MultiHeadAttention(Device device, std::string name, SequenceSize size,
                                       const AttentionOptions& options, std::int64_t max_batch,
                                       std::uint64_t seed, std::uint64_t stream, Use use)
    : Layer(std::move(name), use),
      device_(device),
      size_(size),
      options_(options),
      head_size_(head_size(size.width, options)),
      tile_(optimize_tiling(device, size.places, max_batch, options.heads, head_size_)),
      input_(device, this->name(), size.values(), max_batch),
      qkv_(device, "qkv", size.width, 3 * size.width, max_batch * size.places, seed, stream, use),
      output_(device, "output", size.width, size.width, max_batch * size.places, seed, stream + 1, use) {
    for (Dense* each : {&qkv_, &output_}) std::ranges::copy(adopt(*each), std::back_inserter(parameters_));
    if (options.rotary_base)
        turns_ = packed_rotary_turns(device, size.places, options.heads, head_size_, *options.rotary_base);
    const auto rows = [&](std::int64_t width, const char* what) {
        return Tensor(device, MemoryTag::activations, {max_batch, size.places * width},
                      this->name() + " " + what);
    };
    const auto work = [&](std::int64_t values) {
        return Tensor(device, MemoryTag::workspace, {values}, this->name() + " work area");
    };
    const int threads = device.backend.threads();
    packed_ = rows(3 * size.width, "queries, keys and values");
    mixed_ = rows(size.width, "heads");
    log_sum_ = rows(options.heads, "log-sums");
    scratch_ = work(Attention::scratch_size(shape(max_batch), tile_, threads));
    if (use == Use::run) return;
    mixed_gradient_ = rows(size.width, "heads gradient");
    packed_gradient_ = rows(3 * size.width, "queries, keys and values gradient");
    backward_scratch_ = work(AttentionBackward::scratch_size(shape(max_batch), tile_, threads));
}

Json MultiHeadAttention::config() const {
    Json config{{"heads", options_.heads}, {"causal", options_.causal}, {"mode", mode_name(options_.mode)}};
    if (options_.rotary_base) config["rotary_base"] = *options_.rotary_base;
    return config;
}

AttentionShape MultiHeadAttention::shape(std::int64_t batch) const {
    const HeadStrides packed{3 * size_.values(), head_size_, 3 * size_.width},
        output{size_.values(), head_size_, size_.width};
    return {.batch = batch,
            .heads = options_.heads,
            .queries = size_.places,
            .keys = size_.places,
            .size = head_size_,
            .query = packed,
            .key = packed,
            .value = packed,
            .output = output,
            .scale = attention_scale(options_.mode, head_size_),
            .causal = options_.causal,
            .keep = keep_};
}

void MultiHeadAttention::turn(std::int64_t batch, float* packed, bool back) {
    if (turns_.data() == nullptr) return;
    auto* pairs = reinterpret_cast<Complex*>(packed);
    device_.backend.run(SpectralMultiply{batch, turns_.size(), back, pairs, turns_.complex_data(), pairs});
}

void MultiHeadAttention::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const std::int64_t rows = batch * size_.places;
    float* packed = packed_.data();
    qkv_.forward(rows, {input_.contiguous(batch, x), size_.width, nullptr}, packed, training);
    turn(batch, packed, false);
    device_.backend.run(Attention{shape(batch), tile_, packed, packed + size_.width, packed + 2 * size_.width,
                                  mixed_.data(), log_sum_.data(), scratch_.data()});
    output_.forward(rows, {mixed_.data(), size_.width, nullptr}, y, training);
}

HostTensor MultiHeadAttention::first_sample(const Tensor& rows, std::int64_t width) const {
    HostTensor sample{{size_.places, width},
                      std::vector<float>(static_cast<std::size_t>(size_.places * width))};
    device_.backend.copy_to_host(sample.values.data(), rows.data(), sample.values.size() * sizeof(float));
    return sample;
}

HostTensor MultiHeadAttention::packed_rows() const { return first_sample(packed_, 3 * size_.width); }

HostTensor MultiHeadAttention::mixed_rows() const { return first_sample(mixed_, size_.width); }

void MultiHeadAttention::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    const std::int64_t rows = batch * size_.places;
    const float* packed = packed_.data();
    float* gradient = packed_gradient_.data();
    output_.backward(rows, dy, mixed_gradient_.data());
    device_.backend.run(AttentionBackward{
        .shape = shape(batch),
        .tile = tile_,
        .q = packed,
        .k = packed + size_.width,
        .v = packed + 2 * size_.width,
        .y = mixed_.data(),
        .log_sum = log_sum_.data(),
        .dy = mixed_gradient_.data(),
        .dq = gradient,
        .dk = gradient + size_.width,
        .dv = gradient + 2 * size_.width,
        .scratch = backward_scratch_.data(),
    });
    turn(batch, gradient, true);
    qkv_.backward(rows, gradient, dx);
}

}  // namespace spectral
