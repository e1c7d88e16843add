// What a model has learned, as named matrices for a page to paint, at one moment of training.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/tensor.hpp"

namespace spectral {

struct PatternSnapshot {
    struct Matrix {
        std::string name;         ///< "pool"
        std::string title;        ///< "Pattern pool"
        std::string row_axis;     ///< "pattern"
        std::string column_axis;  ///< "frequency bin"
        HostTensor values;        ///< rank 2
    };
    std::int64_t step = 0;
    double epoch = 0;
    std::vector<Matrix> matrices;
};

}  // namespace spectral
