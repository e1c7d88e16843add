#include "engine/nn/positional_encoding.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "engine/core/error.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral {

std::string_view position_kind_name(PositionKind kind) {
    return kind == PositionKind::golden ? "golden" : "standard";
}

double position_base(PositionKind kind) { return kind == PositionKind::golden ? std::numbers::phi : 10000; }

double position_value(PositionKind kind, std::int64_t position, std::int64_t dimension, std::int64_t width) {
    const auto pair = static_cast<double>(dimension / 2 * 2);
    const double angle =
        static_cast<double>(position) * std::pow(position_base(kind), -pair / static_cast<double>(width));
    return dimension % 2 == 0 ? std::sin(angle) : std::cos(angle);
}

PositionCache::PositionCache(Device device, PositionKind kind, std::int64_t width)
    : device_(device), kind_(kind), width_(width) {
    if (width < 2 || width % 2 != 0)
        throw BadValue("width", fmt::format("{} is not an even number above 0", width),
                       "A position is encoded in pairs of a sine and a cosine.");
    fill(kCachedPositions);
}

void PositionCache::fill(std::int64_t positions) {
    Tensor table(device_, MemoryTag::data, {positions, width_}, "positional encoding");
    const Reservation room =
        device_.budget.reserve(MemoryTag::workspace, table.bytes(), "positional encoding on the host");
    HostTensor values{table.shape(), {}};
    values.values.reserve(static_cast<std::size_t>(table.size()));
    std::vector<double> frequencies;
    for (std::int64_t pair = 0; pair < width_; pair += 2)
        frequencies.push_back(
            std::pow(position_base(kind_), -static_cast<double>(pair) / static_cast<double>(width_)));
    for (std::int64_t position = 0; position < positions; ++position)
        for (const double frequency : frequencies) {
            const double angle = static_cast<double>(position) * frequency;
            values.values.push_back(static_cast<float>(std::sin(angle)));
            values.values.push_back(static_cast<float>(std::cos(angle)));
        }
    table.assign(device_.backend, values);
    table_ = std::move(table);
}

const float* PositionCache::upto(std::int64_t positions) {
    if (positions > this->positions()) fill(positions);
    return table_.data();
}

void PositionCache::add(std::int64_t batch, std::int64_t sequence, const float* x, float* y) {
    const std::int64_t size = sequence * width_;
    if (batch * size == 0) return;
    const float* table = upto(sequence);
    if (x != y) device_.backend.copy_on_device(y, x, static_cast<std::size_t>(batch * size) * sizeof(float));
    device_.backend.run(BiasAdd{batch, size, table, y});
}

void PositionCache::add(const Tensor& x, const Tensor& y) {
    const Shape& shape = x.shape();
    const int rank = shape.rank();
    if (rank < 2 || rank > 3 || shape[rank - 1] != width_ || y.shape() != shape)
        throw Error("positional encoding", fmt::format("{} into {} is not (batch ×) positions × {}",
                                                       shape.text(), y.shape().text(), width_));
    add(rank == 3 ? shape[0] : 1, shape[rank - 2], x.data(), y.data());
}

PositionalEncoding::PositionalEncoding(Device device, std::string name, PositionKind kind, SequenceSize size,
                                       std::int64_t max_batch)
    : Layer(std::move(name)),
      device_(device),
      kind_(kind),
      size_(size),
      cache_(device, kind, size.width),
      input_(device, this->name(), size.values(), max_batch) {
    cache_.upto(size.places);
}

Json PositionalEncoding::config() const {
    return {{"places", size_.places}, {"width", size_.width}, {"position", position_kind_name(kind_)}};
}

void PositionalEncoding::forward(std::int64_t batch, const LayerInput& x, float* y, bool /*training*/) {
    cache_.add(batch, size_.places, input_.contiguous(batch, x), y);
}

void PositionalEncoding::backward(std::int64_t batch, const float* dy, float* dx) {
    if (dx != nullptr)
        device_.backend.copy_on_device(dx, dy,
                                       static_cast<std::size_t>(batch * size_.values()) * sizeof(float));
}

}  // namespace spectral
