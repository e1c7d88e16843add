// Positions as sines and cosines, added to what stands there: golden and standard.
#pragma once

#include <string_view>
#include <vector>

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "engine/nn/sequence_size.hpp"

namespace spectral {

/// Whose frequencies fall by the golden ratio over the dimensions, and by 10000 (Vaswani et al. 2017).
enum class PositionKind { golden, standard };

std::string_view position_kind_name(PositionKind kind);
/// φ or 10000.
double position_base(PositionKind kind);

/// sin(position / base^{2i/width}) for dimension 2i, cos of the same for 2i + 1.
double position_value(PositionKind kind, std::int64_t position, std::int64_t dimension, std::int64_t width);

/// The encodings of positions 0, 1, … as they are needed: of kCachedPositions from the beginning, of more
/// when a longer sequence comes.
class PositionCache {
public:
    static constexpr std::int64_t kCachedPositions = 5000;

    /// Throws BadValue "width" where that is odd or below 2.
    PositionCache(Device device, PositionKind kind, std::int64_t width);

    std::int64_t positions() const { return table_.shape()[0]; }
    /// At least `positions` × width, in backend memory until more are asked for.
    const float* upto(std::int64_t positions);
    /// y = x + PE; both are sequence × width or batch × sequence × width and may be the same. Throws Error
    /// where they are not.
    void add(const Tensor& x, const Tensor& y);
    /// The same for `batch` sequences that lie one behind the other.
    void add(std::int64_t batch, std::int64_t sequence, const float* x, float* y);

private:
    void fill(std::int64_t positions);

    Device device_;
    PositionKind kind_;
    std::int64_t width_;
    Tensor table_;
};

/// y = x + PE at every place. Nothing is learned.
class PositionalEncoding final : public Layer {
public:
    /// Throws BadValue "width" where that is odd or below 2.
    PositionalEncoding(Device device, std::string name, PositionKind kind, SequenceSize size,
                       std::int64_t max_batch);

    std::string_view kind() const override { return "positional-encoding"; }
    Json config() const override;
    std::int64_t inputs() const override { return size_.values(); }
    std::int64_t outputs() const override { return size_.values(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;

private:
    Device device_;
    PositionKind kind_;
    SequenceSize size_;
    PositionCache cache_;
    InputRows input_;
};

}  // namespace spectral
