#include "engine/compress/implicit_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "kernels/ops/dense.hpp"

namespace spectral {

namespace {

/// Values that a box is made from at a time.
constexpr std::int64_t kBoxValues = std::int64_t{1} << 20;

constexpr std::string_view kHolder = "block of implicit weights";

}  // namespace

ImplicitWeights::ImplicitWeights(Device device, const PackedTensor& tensor)
    : device_(device), shape_(tensor.shape), source_(make_slice_source(device, tensor)) {
    least_slices_ = columns() / std::gcd(source_->slice_size(), columns());
}

std::int64_t ImplicitWeights::least_rows() const { return least_slices_ * source_->slice_size() / columns(); }

std::int64_t ImplicitWeights::slices_for(std::int64_t rows) const {
    const std::int64_t blocks = std::max<std::int64_t>(1, (rows + least_rows() - 1) / least_rows());
    return std::min(blocks * least_slices_, source_->slices());
}

std::size_t ImplicitWeights::work_bytes(std::int64_t block_rows) const {
    const std::int64_t slices = slices_for(block_rows);
    return source_->work_bytes(slices) +
           static_cast<std::size_t>(slices * source_->slice_size()) * sizeof(float);
}

std::int64_t ImplicitWeights::rows_within(std::size_t bytes) const {
    std::int64_t low = 1, high = (rows() + least_rows() - 1) / least_rows();  // in least blocks
    while (low < high) {
        const std::int64_t middle = (low + high + 1) / 2;
        if (work_bytes(middle * least_rows()) <= bytes)
            low = middle;
        else
            high = middle - 1;
    }
    return std::min(low * least_rows(), rows());
}

template <class Body>
void ImplicitWeights::for_each_block(std::int64_t block_rows, const Body& body) const {
    const std::int64_t slices = slices_for(block_rows), size = source_->slice_size();
    const auto block = source_->block(slices);
    const Tensor values(device_, MemoryTag::workspace, {slices * size}, kHolder);
    for (std::int64_t first = 0; first < source_->slices(); first += slices) {
        const std::int64_t count = std::min(slices, source_->slices() - first);
        block->generate(first, count, values.data());
        body(first * size / columns(), count * size / columns(), values.data());
    }
}

void ImplicitWeights::multiply(std::int64_t batch, const float* x, float* y, std::int64_t block_rows) const {
    for_each_block(block_rows, [&](std::int64_t first, std::int64_t count, const float* w) {
        device_.backend.run(
            MatMul{batch, count, columns(), false, true, x, columns(), w, columns(), 0, y + first, rows()});
    });
}

void ImplicitWeights::multiply_transposed(std::int64_t batch, const float* dy, float* dx,
                                          std::int64_t block_rows) const {
    for_each_block(block_rows, [&](std::int64_t first, std::int64_t count, const float* w) {
        device_.backend.run(MatMul{batch, columns(), count, false, false, dy + first, rows(), w, columns(),
                                   first == 0 ? 0.0F : 1.0F, dx, columns()});
    });
}

void ImplicitWeights::gradient(std::int64_t batch, const float* x, const float* dy, float* d_numbers,
                               std::int64_t block_rows) const {
    const std::int64_t slices = slices_for(block_rows), size = source_->slice_size();
    const auto block = source_->block(slices);
    const Tensor dw(device_, MemoryTag::workspace, {slices * size}, kHolder);
    device_.backend.fill_zero(d_numbers, numbers().bytes());
    for (std::int64_t first = 0; first < source_->slices(); first += slices) {
        const std::int64_t count = std::min(slices, source_->slices() - first);
        const std::int64_t row = first * size / columns(), rows_here = count * size / columns();
        device_.backend.run(MatMul{rows_here, columns(), batch, true, false, dy + row, rows(), x, columns(),
                                   0, dw.data(), columns()});
        block->add_gradient(first, count, dw.data(), d_numbers);
    }
}

HostTensor ImplicitWeights::box(std::span<const AxisRange> ranges) const {
    require(std::ssize(ranges) == shape_.rank(), "box", "it has another rank than the tensor");
    std::vector<std::int64_t> extents;
    for (int axis = 0; axis < shape_.rank(); ++axis) {
        const auto [first, count] = ranges[static_cast<std::size_t>(axis)];
        if (first < 0 || count < 0 || count > shape_[axis] - first)
            throw Error("box", fmt::format("{} values from {} on leave axis {} of {}", count, first, axis,
                                           shape_[axis]));
        extents.push_back(count);
    }
    HostTensor result{Shape(std::span<const std::int64_t>(extents)), {}};
    const std::int64_t inner = result.shape.size() / std::max<std::int64_t>(1, extents.back());
    if (result.shape.size() == 0) return result;
    result.values.resize(static_cast<std::size_t>(result.shape.size()));

    // Runs along the last axis, in the order of their places in the tensor: each slice is made once.
    const std::int64_t run = extents.back(), size = source_->slice_size();
    const std::int64_t slices = std::clamp<std::int64_t>(kBoxValues / size, 1, source_->slices());
    const auto block = source_->block(slices);
    const Tensor values(device_, MemoryTag::workspace, {slices * size}, kHolder);
    std::vector<float> host(static_cast<std::size_t>(slices * size));
    const std::int64_t rest = columns(), last_row = ranges[0].first + ranges[0].count;
    const std::int64_t last_slice = (last_row * rest + size - 1) / size;
    std::int64_t made_from = 0, made_to = 0;  // values that `host` holds
    const auto value_at = [&](std::int64_t place) {
        if (place >= made_to) {
            const std::int64_t first = place / size, count = std::min(slices, last_slice - first);
            block->generate(first, count, values.data());
            device_.backend.copy_to_host(host.data(), values.data(),
                                         static_cast<std::size_t>(count * size) * sizeof(float));
            made_from = first * size;
            made_to = made_from + count * size;
        }
        return host[static_cast<std::size_t>(place - made_from)];
    };
    std::array<std::int64_t, kMaxRank> at{};
    auto to = result.values.begin();
    for (std::int64_t i = 0; i < inner; ++i) {
        std::int64_t place = 0;
        for (int axis = 0; axis < shape_.rank(); ++axis)
            place = place * shape_[axis] + ranges[static_cast<std::size_t>(axis)].first +
                    at[static_cast<std::size_t>(axis)];
        for (std::int64_t k = 0; k < run; ++k) *to++ = value_at(place + k);
        for (int axis = shape_.rank() - 2; axis >= 0; --axis) {
            if (++at[static_cast<std::size_t>(axis)] < extents[static_cast<std::size_t>(axis)]) break;
            at[static_cast<std::size_t>(axis)] = 0;
        }
    }
    return result;
}

}  // namespace spectral
