// What a model has learned, as named matrices for a page to paint, at one moment of training.
#pragma once

#include <cstdint>
#include <optional>
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
    std::optional<double> syntony;  ///< Model::syntony()

    /// Of the matrices' values.
    std::size_t bytes() const {
        std::size_t sum = 0;
        for (const Matrix& matrix : matrices) sum += matrix.values.values.size() * sizeof(float);
        return sum;
    }
};

}  // namespace spectral
