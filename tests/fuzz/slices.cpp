// The two ways to a packed tensor's values.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "engine/compress/implicit_weights.hpp"
#include "tests/fuzz/targets.hpp"

namespace spectral::fuzz {

namespace {

/// What float32 rounds, of values whose sum of squares is at most `energy`.
constexpr double kRounding = 5e-5;
/// Above it a sum of such values may be infinite, and infinities differ.
constexpr double kLargest = 1e30;

double energy_of(const std::vector<float>& values) {
    double energy = 0;
    for (const float value : values) energy += static_cast<double>(value) * static_cast<double>(value);
    return energy;
}

/// At least ‖W‖ of the coefficients: those of a half spectrum count twice, and factors multiply.
double norm_bound(const PackedTensor& tensor) {
    if (tensor.rank > 0) {
        double product = 1;
        for (std::size_t i = 0; i < tensor.lists.size(); ++i)
            product *= std::sqrt(energy_of(unpack(tensor.lists[i], factor_basis(tensor, i))));
        return product;
    }
    return std::sqrt(2 * energy_of(unpack(tensor.lists.front(), Basis(tensor.shape, tensor.basis))));
}

void promise_same(const std::vector<float>& expected, std::int64_t first, const std::vector<float>& got,
                  double bound) {
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double difference =
            static_cast<double>(got[i]) - static_cast<double>(expected[static_cast<std::size_t>(first) + i]);
        promise(std::abs(difference) <= kRounding * bound + 1e-35);
    }
}

}  // namespace

bool slices(Bytes bytes) {
    constexpr std::int64_t kMostValues = 1 << 12;  // a fuzzer needs no more, and larger ones take its time
    static const std::unique_ptr<Backend> backend = open_backend("cpu", 1);
    MemoryBudget budget;
    const Device device{*backend, budget};
    std::optional<PackedTensor> tensor;
    HostTensor whole;
    try {
        tensor = parse_packed(bytes);
        if (tensor->shape.size() > kMostValues) return false;
        whole = unpack(device, *tensor);
    } catch (const Error&) {
        if (!tensor || tensor->shape.size() == 0) return false;
        // What cannot be unpacked cannot be made slice by slice.
        try {
            const ImplicitWeights weights(device, *tensor);
        } catch (const Error&) {
            return false;
        }
        promise(false);
    }
    const double bound = norm_bound(*tensor);
    const ImplicitWeights weights(device, *tensor);
    promise(weights.shape() == whole.shape && weights.rows() * weights.columns() == whole.shape.size());
    std::vector<AxisRange> all;
    for (const std::int64_t extent : whole.shape.extents()) all.push_back({0, extent});
    const HostTensor box = weights.box(all);
    promise(box.shape == whole.shape);
    if (bound > kLargest) return true;
    promise_same(whole.values, 0, box.values, bound);

    // As it is stored, in blocks that leave a rest; then a box inside.
    std::vector<float> stored(whole.values.size());
    for (std::size_t i = 0; i < stored.size(); ++i)
        stored[i] =
            whole.values[tensor_place(tensor->basis.order, static_cast<std::int64_t>(i), weights.columns())];
    const std::unique_ptr<SliceSource> source = make_slice_source(device, *tensor);
    const std::int64_t count = 1 + std::ssize(bytes) % 3, size = source->slice_size();
    promise(source->slices() * size == whole.shape.size());
    const std::unique_ptr<SliceBlock> block = source->block(count);
    const Tensor made(device, MemoryTag::workspace, {count, size}, "slices");
    for (std::int64_t first = 0; first < source->slices(); first += count) {
        const std::int64_t here = std::min(count, source->slices() - first);
        block->generate(first, here, made.data());
        std::vector<float> values = made.to_host(*backend).values;
        values.resize(static_cast<std::size_t>(here * size));
        promise_same(stored, first * size, values, bound);
    }
    all.front() = {whole.shape[0] / 2, 1};
    const HostTensor row = weights.box(all);
    promise_same(whole.values, whole.shape[0] / 2 * weights.columns(), row.values, bound);
    return true;
}

}  // namespace spectral::fuzz
