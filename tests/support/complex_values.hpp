// Complex inputs for tests, and what runs an operation at every level.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {

inline std::vector<Complex> complex_values(std::int64_t size, std::uint64_t seed) {
    const std::vector<float> parts = normal_values(2 * size, seed);
    std::vector<Complex> values(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = {parts[2 * i], parts[2 * i + 1]};
    return values;
}

inline std::vector<std::complex<double>> to_complex_doubles(const std::vector<Complex>& values) {
    return {values.begin(), values.end()};
}

/// About one in `stride` of [0, size), ascending.
inline std::vector<std::uint32_t> ascending_indices(std::int64_t size, std::uint32_t stride,
                                                    std::uint64_t seed) {
    Random random(seed);
    std::vector<std::uint32_t> indices;
    for (std::int64_t i = 0; i < size; ++i)
        if (random.below(stride) == 0) indices.push_back(static_cast<std::uint32_t>(i));
    return indices;
}

template <class T>
std::span<const T> view(const std::vector<T>& values) {
    return values;
}

template <class T>
std::vector<T> first(Array<T>& array, std::int64_t count) {
    std::vector<T> values = array.host();
    values.resize(static_cast<std::size_t>(count));
    return values;
}

/// Calls body(backend, level) for every level of `Op` and every variant of the tested backend.
template <class Op, class Body>
void at_every_level(const Body& body) {
    for (const int variant : {1, 2, 3}) {
        const auto backend = open_tested(variant);
        ASSERT_FALSE(backend->operations().levels(Op::name).empty()) << Op::name;
        for (const Level level : backend->operations().levels(Op::name)) {
            SCOPED_TRACE(std::string(level_name(level)) + ", variant " + std::to_string(variant));
            body(*backend, level);
        }
    }
}

}  // namespace spectral::test
