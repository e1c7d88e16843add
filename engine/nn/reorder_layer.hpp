// Puts the values of every row in another order: y[b,i] = x[b,order[i]].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"

namespace spectral {

/// `order` names each value once.
class ReorderLayer final : public Layer {
public:
    ReorderLayer(Device device, std::string name, const std::vector<std::uint32_t>& order,
                 std::int64_t max_batch);

    std::string_view kind() const override { return "reorder"; }
    std::int64_t inputs() const override { return size_; }
    std::int64_t outputs() const override { return size_; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;

private:
    Device device_;
    std::int64_t size_;
    InputRows input_;
    Buffer order_, back_;
};

}  // namespace spectral
