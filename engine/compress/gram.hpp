// Singular values by the Gram matrix of a matrix's shorter side, in double: right down to 1e-8 of the
// largest.
#pragma once

#include <Eigen/Core>

#include "engine/core/tensor.hpp"

namespace spectral {

/// The matrix (first axis × all others) of a tensor with values, or its transpose: the shorter side first.
Eigen::MatrixXd wide_matrix(const HostTensor& dense);

struct GramSpectrum {
    Eigen::VectorXd values;   ///< eigenvalues, largest first: squares of singular values, at least 0
    Eigen::MatrixXd vectors;  ///< in columns; of GramVectors::no empty
};
enum class GramVectors { no, yes };
GramSpectrum gram_spectrum(const Eigen::MatrixXd& wide, GramVectors vectors);

}  // namespace spectral
