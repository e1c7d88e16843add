// How far results are apart that should be the same.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace spectral {

/// The largest |a − b|; not a number where any of the differences is none, infinite where the sizes differ.
template <class Number>
double largest_difference(const std::vector<Number>& a, const std::vector<Number>& b) {
    if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double apart = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
        if (std::isnan(apart)) return apart;
        if (apart > largest) largest = apart;
    }
    return largest;
}

}  // namespace spectral
