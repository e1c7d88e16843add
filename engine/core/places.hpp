// Walking over a tensor's values with its axes nested in another order than they lie in memory.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include "engine/core/tensor.hpp"

namespace spectral {

/// body(place in the tensor) for every value; the last axis of `order`, which names each once, runs fastest.
template <class Body>
void for_each_place(const Shape& shape, const std::vector<int>& order, const Body& body) {
    const auto rank = static_cast<std::size_t>(shape.rank());
    std::array<std::int64_t, kMaxRank> step{}, extent{}, at{};
    for (std::size_t i = 0; i < rank; ++i) {
        extent[i] = shape[order[i]];
        step[i] = 1;
        for (int axis = order[i] + 1; axis < shape.rank(); ++axis) step[i] *= shape[axis];
    }
    std::int64_t place = 0;
    for (std::int64_t count = shape.size(); count > 0; --count) {
        body(place);
        for (std::size_t i = rank; i-- > 0;) {
            place += step[i];
            if (++at[i] < extent[i]) break;
            place -= step[i] * extent[i];
            at[i] = 0;
        }
    }
}

/// From first axis fastest to last axis fastest.
template <class Value>
std::vector<Value> by_rows(const std::vector<Value>& by_columns, const Shape& shape) {
    std::vector<int> order(static_cast<std::size_t>(shape.rank()));
    std::iota(order.rbegin(), order.rend(), 0);
    std::vector<Value> result(by_columns.size());
    auto from = by_columns.begin();
    for_each_place(shape, order,
                   [&](std::int64_t place) { result[static_cast<std::size_t>(place)] = *from++; });
    return result;
}

}  // namespace spectral
