// Fewer of what there is too much to keep.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace spectral {

/// Every second value goes; the newest, the last, stays.
template <class T>
void halve(std::vector<T>& values) {
    const std::size_t keep = (values.size() + 1) % 2;
    std::size_t place = 0;
    std::erase_if(values, [&](const T&) { return place++ % 2 != keep; });
}

/// Of ascending values, at most about half of them, evenly spread over `position`: the first of every
/// interval of 2^k, and the newest. Thinning again takes the same intervals or twice as long ones, so that no
/// part of the series fades away.
template <class T, class Position>
void thin_evenly(std::vector<T>& values, const Position& position) {
    if (values.size() < 3) return;
    const double range = position(values.back()) - position(values.front());
    const double shortest = range / (static_cast<double>(values.size()) / 2);
    const double length = shortest > 0 ? std::exp2(std::ceil(std::log2(shortest))) : 1;
    const T newest = values.back();
    double before = -std::numeric_limits<double>::infinity();
    std::erase_if(values, [&](const T& value) {
        const double interval = std::floor(position(value) / length);
        return interval == std::exchange(before, interval);
    });
    if (position(values.back()) < position(newest)) values.push_back(newest);
}

}  // namespace spectral
