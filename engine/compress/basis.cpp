#include "engine/compress/basis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/compress/basis_transform.hpp"
#include "engine/core/places.hpp"

namespace spectral {

namespace {

constexpr const char* kHolder = "basis transform";
/// Side from which a square number of values is tried as an image.
constexpr std::int64_t kSmallestImage = 8;
constexpr std::array<std::string_view, 4> kNames{"identity", "fft", "dct", "random"};

/// SplitMix64 (Steele, Lea & Flood 2014), value `index` of the sequence that begins at `seed`.
std::uint64_t split_mix(std::uint64_t seed, std::uint64_t index) {
    std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

/// Half of the values, drawn by their places, change their signs.
std::vector<float> with_signs(std::vector<float> values, std::uint64_t seed) {
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(values[i]) ^
                                         static_cast<std::uint32_t>(split_mix(seed, i) << 31));
    return values;
}

/// First axis × all others.
std::array<std::int64_t, 2> as_matrix(const Shape& shape) { return {shape[0], shape.size() / shape[0]}; }

/// The axes that are not transformed, then those that are.
std::vector<int> nesting(const Shape& view, const std::vector<int>& axes) {
    std::vector<int> order;
    for (int axis = 0; axis < view.rank(); ++axis)
        if (!std::ranges::binary_search(axes, axis)) order.push_back(axis);
    order.insert(order.end(), axes.begin(), axes.end());
    return order;
}

SignalShape signal_of(std::initializer_list<std::int64_t> extents) {
    SignalShape signal;
    signal.rank = static_cast<int>(extents.size());
    std::ranges::copy(extents, signal.extent.begin());
    return signal;
}

}  // namespace

std::string_view basis_name(BasisKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<BasisKind> find_basis(std::string_view name) {
    const auto found = std::ranges::find(kNames, name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<BasisKind>(found - kNames.begin());
}

Basis::Basis(const Shape& shape, BasisChoice choice) : shape_(shape), choice_(std::move(choice)) {
    const auto refuse = [&](const std::string& why) {
        throw Error(fmt::format("tensor of {}", shape.text()), why);
    };
    if (shape.rank() < 1) refuse("a single number has no basis");
    if (shape.size() == 0) refuse("an axis is empty");
    size_ = shape.size();
    if (choice_.kind != BasisKind::fft && choice_.kind != BasisKind::dct) choice_.order = {};
    switch (choice_.kind) {
        case BasisKind::identity:
            signal_ = signal_of({size_});
            break;
        case BasisKind::random:
            signal_ = signal_of({size_});
            break;
        case BasisKind::fft:
        case BasisKind::dct: {
            if (choice_.view.rank() == 0) choice_.view = shape;
            if (choice_.view.size() != size_)
                refuse(fmt::format("a view of {} has another size", choice_.view.text()));
            if (choice_.axes.empty()) {
                choice_.axes.resize(static_cast<std::size_t>(choice_.view.rank()));
                std::iota(choice_.axes.begin(), choice_.axes.end(), 0);
            }
            signal_.rank = 0;
            for (std::size_t i = 0; i < choice_.axes.size(); ++i) {
                const int axis = choice_.axes[i];
                if (axis < 0 || axis >= choice_.view.rank() || (i > 0 && axis <= choice_.axes[i - 1]))
                    refuse("the axes to transform do not ascend within its rank");
                signal_.extent[static_cast<std::size_t>(signal_.rank++)] = choice_.view[axis];
            }
            require_fits(choice_.order, shape);
            transforms_ = size_ / signal_.size();
            break;
        }
    }
    if (choice_.kind == BasisKind::fft) {
        spectrum_.emplace(Shape(std::span(signal_.extent.data(), static_cast<std::size_t>(signal_.rank))));
        size_ = transforms_ * spectrum_->size();
        const Shape half = spectrum_->shape();
        line_weights_.resize(static_cast<std::size_t>(half[half.rank() - 1]));
        for (std::size_t i = 0; i < line_weights_.size(); ++i)
            line_weights_[i] = spectrum_->energy_weight(static_cast<std::int64_t>(i));
    }
    if (size_ > std::numeric_limits<std::uint32_t>::max())
        refuse(fmt::format("it has {} coefficients, more than 32 bits count", size_));
}

std::optional<std::int64_t> Basis::mirror(std::int64_t index) const {
    if (!spectrum_) return index;
    const std::int64_t first = index / spectrum_->size() * spectrum_->size();
    const std::optional<std::int64_t> within = spectrum_->mirror(index - first);
    if (!within) return std::nullopt;
    return first + *within;
}

std::uint8_t Basis::freedom(std::int64_t index) const {
    return spectrum_ ? spectrum_->freedom(index % spectrum_->size()) : std::uint8_t{1};
}

std::uint8_t Basis::energy_weight(std::int64_t index) const {
    return spectrum_ ? spectrum_->energy_weight(index % spectrum_->size()) : std::uint8_t{1};
}

Shape Basis::transform_shape() const {
    if (spectrum_) return spectrum_->shape();
    return Shape(std::span(signal_.extent.data(), static_cast<std::size_t>(signal_.rank)));
}

std::vector<std::uint32_t> Basis::order() const {
    const std::vector<int> nested = nesting(choice_.view, choice_.axes);
    if (std::ranges::is_sorted(nested) && choice_.order.empty()) return {};
    std::vector<std::uint32_t> places;
    places.reserve(static_cast<std::size_t>(shape_.size()));
    const std::int64_t columns = as_matrix(shape_)[1];
    for_each_place(choice_.view, nested, [&](std::int64_t place) {
        places.push_back(tensor_place(choice_.order, place, columns));
    });
    return places;
}

std::vector<float> Basis::forward(Device device, const HostTensor& dense) const {
    const bool has_signs = choice_.kind == BasisKind::random;
    std::vector<float> values = has_signs ? with_signs(dense.values, choice_.seed) : dense.values;
    if (choice_.kind == BasisKind::identity) return values;
    const Tensor input(device, MemoryTag::workspace, {shape_.size()}, kHolder);
    const Tensor output(device, MemoryTag::workspace, {size_ * parts()}, kHolder);
    device.backend.copy_to_device(input.data(), values.data(), input.bytes());
    BasisTransform(device, *this, BasisTransform::Use::forward).forward(input.data(), output.data());
    return output.to_host(device.backend).values;
}

HostTensor Basis::inverse(Device device, const std::vector<float>& coefficients) const {
    if (choice_.kind == BasisKind::identity) return inverse(device, coefficients, nullptr);
    const BasisTransform transform(device, *this, BasisTransform::Use::inverse);
    return inverse(device, coefficients, &transform);
}

HostTensor Basis::inverse(Device device, const std::vector<float>& coefficients,
                          const BasisTransform* transform) const {
    require(coefficients.size() == static_cast<std::size_t>(size_ * parts()), "basis",
            "another number of coefficients");
    if (choice_.kind == BasisKind::identity) return {shape_, coefficients};
    const Tensor input(device, MemoryTag::workspace, {size_ * parts()}, kHolder);
    const Tensor output(device, MemoryTag::workspace, {shape_.size()}, kHolder);
    device.backend.copy_to_device(input.data(), coefficients.data(), input.bytes());
    transform->inverse(input.data(), output.data());
    std::vector<float> values = output.to_host(device.backend).values;
    if (choice_.kind == BasisKind::random) values = with_signs(std::move(values), choice_.seed);
    return {shape_, std::move(values)};
}

bool axes_fit(const BasisChoice& choice, const Shape& shape) {
    const int rank = choice.view.rank() > 0 ? choice.view.rank() : shape.rank();
    return choice.axes.empty() || choice.axes.back() < rank;
}

std::vector<BasisChoice> sensible_choices(const Shape& shape, BasisKind kind) {
    BasisChoice plain;
    plain.kind = kind;
    if (kind != BasisKind::fft && kind != BasisKind::dct) return {plain};
    std::vector<BasisChoice> choices{plain};
    const auto add = [&](const Shape& view, std::vector<int> axes) {
        BasisChoice choice = plain;
        choice.view = view;
        choice.axes = std::move(axes);
        choices.push_back(choice);
    };
    const int rank = shape.rank();
    if (rank >= 2) {
        add(shape, {rank - 1});
        add(shape, {0});
    }
    if (rank >= 3) add(shape, {rank - 2, rank - 1});
    for (int axis = 0; axis < rank && rank < kMaxRank; ++axis) {
        const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(shape[axis]))));
        if (side < kSmallestImage || side * side != shape[axis]) continue;
        std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
        extents[static_cast<std::size_t>(axis)] = side;
        extents.insert(extents.begin() + axis, side);
        add(Shape(std::span<const std::int64_t>(extents)), {axis, axis + 1});
        if (rank >= 2) add(Shape(std::span<const std::int64_t>(extents)), {});
    }
    return choices;
}

BasisChoice tiled_choice(const Shape& shape, BasisKind kind, std::int64_t tile) {
    BasisChoice choice;
    choice.kind = kind;
    std::vector<std::int64_t> extents;
    for (const std::int64_t side : as_matrix(shape)) {
        std::int64_t each = std::min(side, tile);
        while (side % each != 0) --each;
        if (each == 1) each = side;
        extents.insert(extents.end(), {side / each, each});
    }
    choice.view = Shape(std::span<const std::int64_t>(extents));
    choice.axes = {1, 3};
    return choice;
}

}  // namespace spectral
