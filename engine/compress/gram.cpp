#include "engine/compress/gram.hpp"

#include <Eigen/Eigenvalues>

namespace spectral {

Eigen::MatrixXd wide_matrix(const HostTensor& dense) {
    using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const std::int64_t rows = dense.shape[0], columns = dense.shape.size() / rows;
    const Eigen::Map<const Rows> matrix(dense.values.data(), rows, columns);
    if (rows <= columns) return matrix.cast<double>();
    return matrix.transpose().cast<double>();
}

GramSpectrum gram_spectrum(const Eigen::MatrixXd& wide, GramVectors vectors) {
    // One triangle of it is all that the solver reads.
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(wide.rows(), wide.rows());
    gram.selfadjointView<Eigen::Lower>().rankUpdate(wide);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(
        gram, vectors == GramVectors::yes ? Eigen::ComputeEigenvectors : Eigen::EigenvaluesOnly);
    GramSpectrum spectrum;
    spectrum.values = solver.eigenvalues().reverse().cwiseMax(0);
    if (vectors == GramVectors::yes) spectrum.vectors = solver.eigenvectors().rowwise().reverse();
    return spectrum;
}

}  // namespace spectral
