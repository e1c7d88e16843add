// The largest singular values of a matrix, each factor taking its square root.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/compress/gram.hpp"
#include "engine/compress/packers.hpp"

namespace spectral {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

class LowRankPacker final : public Packer {
public:
    LowRankPacker(Device device, const HostTensor& dense, ValueCoding values, std::string name)
        : device_(device), dense_(dense), values_(values), name_(std::move(name)) {
        // What is wrong of the singular values is below what the factors are rounded to. Each factor takes
        // the root of the singular value.
        const std::int64_t rows = dense.shape[0], columns = dense.shape.size() / rows;
        const bool wide = rows <= columns;
        const Eigen::MatrixXd matrix = wide_matrix(dense);
        const auto [squares, vectors] = gram_spectrum(matrix, GramVectors::yes);
        const Eigen::VectorXd roots = squares.cwiseSqrt().cwiseSqrt();
        const double least = 1e-8 * (roots.size() > 0 ? roots(0) : 0);
        const Eigen::VectorXd inverse =
            roots.unaryExpr([least](double root) { return root > least ? 1 / root : 0; });
        const Matrix shorter = (vectors * roots.asDiagonal()).transpose().cast<float>();
        const Matrix longer = (inverse.asDiagonal() * (vectors.transpose() * matrix)).cast<float>();
        left_ = wide ? shorter : longer;
        right_ = wide ? longer : shorter;
    }

    std::int64_t steps() const override { return left_.rows(); }

    std::int64_t step_at(double density) const override {
        const double each = static_cast<double>(left_.cols() + right_.cols());
        return std::clamp<std::int64_t>(
            std::llround(density * static_cast<double>(dense_.shape.size()) / each), 1, steps());
    }

    std::size_t bytes(std::int64_t step) const override {
        return coded_value_bytes(values_, step * left_.cols()) +
               coded_value_bytes(values_, step * right_.cols());
    }

    Stored store(std::int64_t step) const override {
        Stored stored;
        PackedTensor& tensor = stored.packed;
        tensor.method = name_;
        tensor.shape = dense_.shape;
        tensor.rank = step;
        const std::vector<float> left = coded(left_, step, tensor), right = coded(right_, step, tensor);
        stored.kept = kept_share(tensor);
        stored.decoded = multiply_factors(device_, tensor, left, right).values;
        tensor.relative_error = relative_error(dense_.values, stored.decoded);
        return stored;
    }

    std::vector<EnergyPoint> energies(std::int64_t points) const override {
        double whole = 0;
        for (const float value : dense_.values)
            whole += static_cast<double>(value) * static_cast<double>(value);
        const double each =
            static_cast<double>(left_.cols() + right_.cols()) / static_cast<double>(dense_.shape.size());
        std::vector<EnergyPoint> curve;
        double held = 0;
        const std::int64_t stride = std::max<std::int64_t>(1, steps() / std::max<std::int64_t>(points, 1));
        for (std::int64_t k = 0; k < steps(); ++k) {
            // σ² is the product of the squared lengths, each factor having taken the root of σ.
            held += left_.row(k).cast<double>().squaredNorm() * right_.row(k).cast<double>().squaredNorm();
            if (k % stride != 0 && k + 1 != steps()) continue;
            curve.push_back({std::min(1.0, static_cast<double>(k + 1) * each),
                             whole > 0 ? std::min(1.0, held / whole) : 1.0});
        }
        return curve;
    }

private:
    /// Appends the first `rank` rows to the tensor's lists, and gives them as they will be decoded.
    std::vector<float> coded(const Matrix& factor, std::int64_t rank, PackedTensor& tensor) const {
        const auto count = static_cast<std::size_t>(rank * factor.cols());
        CodedValues values = encode_values(values_, std::span(factor.data(), count));
        PackedList list;
        list.count = static_cast<std::int64_t>(count);
        list.value_coding = values_;
        list.scale = values.scale;
        list.values = std::move(values.bytes);
        tensor.lists.push_back(std::move(list));
        return decode_values(values_, values.scale, tensor.lists.back().values,
                             static_cast<std::int64_t>(count));
    }

    Device device_;
    HostTensor dense_;
    ValueCoding values_;
    std::string name_;
    Matrix left_, right_;  ///< of the factors, a row for each singular value
};

}  // namespace

std::unique_ptr<Packer> make_low_rank_packer(Device device, const HostTensor& dense, std::string name,
                                             ValueCoding values) {
    return std::make_unique<LowRankPacker>(device, dense, values, std::move(name));
}

}  // namespace spectral
