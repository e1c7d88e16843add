// What a model has learned, as named matrices for a page to paint, at one moment of training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/tensor.hpp"

namespace spectral {

/// Where the values of a matrix stand in a parameter: it is made of patterns of one size, each of which the
/// parameter holds as it is, or as its half spectrum.
struct PatternOrigin {
    std::string parameter;                 ///< "purefft/pool"; of Layer::patterns() "pool", within the layer
    std::int64_t rows = 1, columns = 0;    ///< of a pattern: a row of the matrix, or an image
    std::int64_t across = 1;               ///< images beside each other
    std::int64_t gap = 0;                  ///< rows and columns between images that are no values
    std::vector<std::int64_t> first = {};  ///< of each pattern: its first value in the parameter
    /// The parameter has real and imaginary parts of spectra, and the pattern its origin in the middle.
    bool spectra = false;
};

struct PatternSnapshot {
    struct Matrix {
        std::string name;                                    ///< "pool"
        std::string title;                                   ///< "Pattern pool"
        std::string row_axis;                                ///< "pattern"
        std::string column_axis;                             ///< "frequency bin"
        HostTensor values;                                   ///< rank 2
        std::optional<PatternOrigin> origin = std::nullopt;  ///< absent: derived from parameters
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
