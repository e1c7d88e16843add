// Dropout while training: masks follow from seed, layer and step alone, so that a run that was resumed draws
// the same ones.
#pragma once

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"

namespace spectral {

/// Streams of a model's seed that masks are drawn from: 2^32 steps for every such layer.
inline constexpr std::uint64_t kDropoutStreams = std::uint64_t{16} << 32;

class DropoutLayer final : public Layer {
public:
    /// 0 ≤ rate < 1; `number` tells the dropout layers of a model apart. Throws BadValue "dropout".
    DropoutLayer(Device device, std::string name, double rate, std::int64_t size, std::int64_t max_batch,
                 std::uint64_t seed, std::uint64_t number, Use use = Use::train);

    std::string_view kind() const override { return "dropout"; }
    Json config() const override { return {{"rate", rate_}}; }
    std::int64_t inputs() const override { return size_; }
    std::int64_t outputs() const override { return size_; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    void begin_step(std::int64_t step) override { step_ = static_cast<std::uint64_t>(step); }

private:
    void drop(std::int64_t batch, const float* x, float* y);

    Device device_;
    double rate_;
    std::int64_t size_;
    std::uint64_t seed_, stream_, step_ = 0;
    InputRows input_;
};

}  // namespace spectral
