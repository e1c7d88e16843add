#include "engine/compress/implicit_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "engine/core/transfer.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"

namespace spectral {

namespace {

/// Values that a box is made from at a time.
constexpr std::int64_t kBoxValues = std::int64_t{1} << 20;

/// A multiplication of direct_sum() against one of a slice's, which are vectorised and split over threads.
constexpr double kSumSlowness = 8;

constexpr std::string_view kHolder = "block of implicit weights";

std::int64_t length(const Buffer& order) {
    return static_cast<std::int64_t>(order.bytes() / sizeof(std::uint32_t));
}

}  // namespace

ImplicitWeights::ImplicitWeights(Device device, const PackedTensor& tensor)
    : device_(device),
      shape_(tensor.shape),
      source_(make_slice_source(device, tensor)),
      order_(tensor.basis.order) {
    least_slices_ = columns() / std::gcd(source_->slice_size(), columns());
    const auto place = [&](const std::vector<std::uint32_t>& order) {
        return upload(device, order, MemoryTag::parameters, kHolder);
    };
    if (tensor.rank == 0) {
        BasisChoice choice = tensor.basis;
        choice.order = {};
        basis_.emplace(tensor.shape, choice);
    }
    rows_order_ = place(order_.rows);
    columns_order_ = place(order_.columns);
    rows_back_ = place(inverse_permutation(order_.rows));
    columns_back_ = place(inverse_permutation(order_.columns));
}

std::size_t ImplicitWeights::reorder_bytes(std::int64_t batch) const {
    return static_cast<std::size_t>(batch) * (rows_order_.bytes() + columns_order_.bytes()) /
           sizeof(std::uint32_t) * sizeof(float);
}

float* ImplicitWeights::area_for(std::int64_t batch, float* result, const Buffer& order, Tensor& area) const {
    if (order.bytes() == 0) return result;
    area = Tensor(device_, MemoryTag::workspace, {batch, length(order)}, kHolder);
    return area.data();
}

const float* ImplicitWeights::reordered(std::int64_t batch, const float* x, const Buffer& order,
                                        Tensor& area) const {
    if (order.bytes() == 0) return x;
    put_back(batch, x, order, area_for(batch, nullptr, order, area));
    return area.data();
}

void ImplicitWeights::put_back(std::int64_t batch, const float* x, const Buffer& order, float* y) const {
    if (order.bytes() == 0) return;
    const std::int64_t count = length(order);
    device_.backend.run(GatherColumns{batch, count, x, count, order.as<std::uint32_t>(), y});
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
    Tensor x_area, y_area;
    const float* input = reordered(batch, x, columns_order_, x_area);
    float* output = area_for(batch, y, rows_back_, y_area);
    for_each_block(block_rows, [&](std::int64_t first, std::int64_t count, const float* w) {
        device_.backend.run(MatMul{batch, count, columns(), false, true, input, columns(), w, columns(), 0,
                                   output + first, rows()});
    });
    put_back(batch, output, rows_back_, y);
}

void ImplicitWeights::multiply_transposed(std::int64_t batch, const float* dy, float* dx,
                                          std::int64_t block_rows) const {
    Tensor dy_area, dx_area;
    const float* input = reordered(batch, dy, rows_order_, dy_area);
    float* output = area_for(batch, dx, columns_back_, dx_area);
    for_each_block(block_rows, [&](std::int64_t first, std::int64_t count, const float* w) {
        device_.backend.run(MatMul{batch, columns(), count, false, false, input + first, rows(), w, columns(),
                                   first == 0 ? 0.0F : 1.0F, output, columns()});
    });
    put_back(batch, output, columns_back_, dx);
}

void ImplicitWeights::gradient(std::int64_t batch, const float* x, const float* dy, float* d_numbers,
                               std::int64_t block_rows) const {
    Tensor x_area, dy_area;
    const float* inputs = reordered(batch, x, columns_order_, x_area);
    const float* d_outputs = reordered(batch, dy, rows_order_, dy_area);
    const std::int64_t slices = slices_for(block_rows), size = source_->slice_size();
    const auto block = source_->block(slices);
    const Tensor dw(device_, MemoryTag::workspace, {slices * size}, kHolder);
    device_.backend.fill_zero(d_numbers, numbers().bytes());
    for (std::int64_t first = 0; first < source_->slices(); first += slices) {
        const std::int64_t count = std::min(slices, source_->slices() - first);
        const std::int64_t row = first * size / columns(), rows_here = count * size / columns();
        device_.backend.run(MatMul{rows_here, columns(), batch, true, false, d_outputs + row, rows(), inputs,
                                   columns(), 0, dw.data(), columns()});
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
    if (result.shape.size() == 0) return result;
    if (const std::optional<Crossings> wanted = crossings(ranges)) {
        const std::int64_t kept = std::ssize(places());
        const std::int64_t slices = slices_touched(ranges[0]);
        const std::size_t bytes = direct_sum_bytes(*basis_, kept, *wanted);
        const std::size_t used = device_.budget.snapshot().total.current;
        if (kSumSlowness * direct_sum_cost(*basis_, kept, *wanted) < source_->cost(slices) &&
            bytes <= device_.budget.limit() - std::min(device_.budget.limit(), used)) {
            const Reservation room = device_.budget.reserve(MemoryTag::workspace, bytes, kHolder);
            const auto kept_numbers =
                download<float>(device_.backend, numbers().data(), kept * basis_->parts());
            result.values = direct_sum(*basis_, places(), kept_numbers, *wanted);
            return result;
        }
    }
    result.values = from_slices(ranges);
    return result;
}

std::int64_t ImplicitWeights::slices_touched(const AxisRange& rows_wanted) const {
    const std::vector<std::uint32_t> back = inverse_permutation(order_.rows);
    std::vector<bool> touched(static_cast<std::size_t>(source_->slices()));
    for (std::int64_t i = rows_wanted.first; i < rows_wanted.first + rows_wanted.count; ++i) {
        const std::int64_t row = back.empty() ? i : back[static_cast<std::size_t>(i)];
        const std::int64_t last = ((row + 1) * columns() - 1) / source_->slice_size();
        for (std::int64_t slice = row * columns() / source_->slice_size(); slice <= last; ++slice)
            touched[static_cast<std::size_t>(slice)] = true;
    }
    return std::ranges::count(touched, true);
}

std::optional<Crossings> ImplicitWeights::crossings(std::span<const AxisRange> ranges) const {
    if (!basis_) return std::nullopt;
    const bool is_viewed = basis_->choice().kind != BasisKind::identity && !(basis_->choice().view == shape_);
    if (is_viewed || (shape_.rank() > 2 && !order_.columns.empty())) return std::nullopt;
    const std::vector<std::uint32_t> row_back = inverse_permutation(order_.rows),
                                     column_back = inverse_permutation(order_.columns);
    Crossings wanted;
    for (const auto& [first, count] : ranges) {
        const std::vector<std::uint32_t>& back = wanted.empty() ? row_back : column_back;
        std::vector<std::int64_t>& places = wanted.emplace_back();
        for (std::int64_t i = first; i < first + count; ++i)
            places.push_back(back.empty() ? i : back[static_cast<std::size_t>(i)]);
    }
    return wanted;
}

std::vector<float> ImplicitWeights::from_slices(std::span<const AxisRange> ranges) const {
    // By their places as they are stored, each slice is made once.
    const std::vector<std::uint32_t> row_back = inverse_permutation(order_.rows),
                                     column_back = inverse_permutation(order_.columns);
    std::int64_t values_wanted = 1;
    for (const AxisRange& range : ranges) values_wanted *= range.count;
    std::vector<std::pair<std::int64_t, std::size_t>> wanted;  // place as stored, place in the result
    const auto size_wanted = static_cast<std::size_t>(values_wanted);
    wanted.reserve(size_wanted);
    std::array<std::int64_t, kMaxRank> at{};
    for (std::size_t i = 0; i < size_wanted; ++i) {
        std::int64_t place = 0;
        for (int axis = 0; axis < shape_.rank(); ++axis)
            place = place * shape_[axis] + ranges[static_cast<std::size_t>(axis)].first +
                    at[static_cast<std::size_t>(axis)];
        const std::int64_t row = place / columns(), column = place % columns();
        wanted.emplace_back(
            (row_back.empty() ? row : row_back[static_cast<std::size_t>(row)]) * columns() +
                (column_back.empty() ? column : column_back[static_cast<std::size_t>(column)]),
            i);
        for (int axis = shape_.rank() - 1; axis >= 0; --axis) {
            if (++at[static_cast<std::size_t>(axis)] < ranges[static_cast<std::size_t>(axis)].count) break;
            at[static_cast<std::size_t>(axis)] = 0;
        }
    }
    std::ranges::sort(wanted);

    const std::int64_t size = source_->slice_size();
    const std::int64_t slices = std::clamp<std::int64_t>(kBoxValues / size, 1, source_->slices());
    const auto block = source_->block(slices);
    const Tensor values(device_, MemoryTag::workspace, {slices * size}, kHolder);
    const std::int64_t last_slice = wanted.back().first / size + 1;
    std::vector<float> result(wanted.size()), host;
    std::int64_t made_from = 0, made_to = 0;  // values that `host` holds
    for (const auto& [place, i] : wanted) {
        if (place >= made_to) {
            const std::int64_t first = place / size, count = std::min(slices, last_slice - first);
            block->generate(first, count, values.data());
            host = download<float>(device_.backend, values.data(), count * size);
            made_from = first * size;
            made_to = made_from + count * size;
        }
        result[i] = host[static_cast<std::size_t>(place - made_from)];
    }
    return result;
}

}  // namespace spectral
