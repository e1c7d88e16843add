// A layer's input as rows that a kernel can take: gathered where they are picked by index or lie apart.
#pragma once

#include <cstdint>
#include <string>

#include "engine/nn/layer.hpp"

namespace spectral {

class InputRows {
public:
    /// Of `size` values each; `layer` names the holder in the memory budget.
    InputRows(Device device, std::string layer, std::int64_t size, std::int64_t max_batch)
        : device_(device), layer_(std::move(layer)), size_(size), max_batch_(max_batch) {}

    /// In batch order, rows apart as x has them. What comes lives until the next call, as x does.
    LayerInput in_order(std::int64_t batch, const LayerInput& x) {
        return x.rows != nullptr ? gathered(batch, x) : x;
    }
    /// In batch order, one row behind the other.
    const float* contiguous(std::int64_t batch, const LayerInput& x) {
        return x.rows != nullptr || x.stride != size_ ? gathered(batch, x).x : x.x;
    }

private:
    LayerInput gathered(std::int64_t batch, const LayerInput& x);

    Device device_;
    std::string layer_;
    std::int64_t size_, max_batch_;
    Tensor gathered_;  ///< made when the first such input comes
};

}  // namespace spectral
