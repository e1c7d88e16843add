// Shapes of every rank that the tests of sparse spectra go through: odd and even axes, primes, axes of one.
#pragma once

#include <ostream>
#include <vector>

#include "engine/core/tensor.hpp"

namespace spectral {

inline void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.text(); }

namespace test {

inline const std::vector<Shape> kTensorShapes{Shape{1},
                                              Shape{2},
                                              Shape{3},
                                              Shape{8},
                                              Shape{97},
                                              Shape{1, 1},
                                              Shape{1, 6},
                                              Shape{7, 1},
                                              Shape{4, 6},
                                              Shape{5, 7},
                                              Shape{6, 5},
                                              Shape{10, 28},
                                              Shape{2, 3, 4},
                                              Shape{3, 3, 3, 3},
                                              Shape{2, 1, 3, 2, 5},
                                              Shape{2, 2, 2, 2, 2, 2},
                                              Shape{1, 2, 1, 3, 1, 2, 3},
                                              Shape{2, 1, 3, 2, 1, 2, 1, 4}};

}  // namespace test
}  // namespace spectral
