// What a stored tensor's numbers are coefficients of: an orthonormal basis of the tensors of its shape.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/compress/matrix_order.hpp"
#include "engine/core/schema.hpp"
#include "engine/core/tensor.hpp"
#include "engine/spectral/half_spectrum.hpp"

namespace spectral {

enum class BasisKind { identity, fft, dct, random };
std::string_view basis_name(BasisKind kind);
std::optional<BasisKind> find_basis(std::string_view name);

struct BasisChoice {
    BasisKind kind = BasisKind::identity;
    /// fft, dct: the shape that is transformed, of as many values as the tensor's; empty: the tensor's own.
    Shape view;
    std::vector<int> axes;   ///< fft, dct: of the view, ascending; empty: all
    MatrixOrder order;       ///< fft, dct: of rows and columns, before the view is taken
    std::uint64_t seed = 0;  ///< random

    bool operator==(const BasisChoice&) const = default;
};

class BasisTransform;

/// Coefficients lie on the host as lists of numbers, parts() each.
///  identity  the values themselves
///  fft       orthonormal real transform over the axes, the other axes in front: half spectra one after
///            another, complex
///  dct       the same with orthonormal DCT-II, real
///  random    signs drawn by index, then one DCT over all values: as good as random, and fast
class Basis {
public:
    /// Throws Error where the choice does not fit the shape: rank 0 or above 8, an empty axis, a view of
    /// another size, axes out of order, an order that does not fit, more coefficients than 32 bits count.
    Basis(const Shape& shape, BasisChoice choice);

    const Shape& shape() const { return shape_; }
    const BasisChoice& choice() const { return choice_; }
    std::int64_t size() const { return size_; }  ///< coefficients
    int parts() const { return spectrum_ ? 2 : 1; }
    /// As HalfSpectrum::mirror() and freedom(): real coefficients stand for themselves.
    std::optional<std::int64_t> mirror(std::int64_t index) const;
    std::uint8_t freedom(std::int64_t index) const;
    /// How often the square of a coefficient counts in the energy of the tensor.
    std::uint8_t energy_weight(std::int64_t index) const;
    /// By place along the last axis of a transform, which is all that energy_weight() depends on: coefficient
    /// i is at place i modulo their number.
    const std::vector<std::uint8_t>& line_weights() const { return line_weights_; }
    /// Extents of the coefficients of one transform, and how many such transforms there are; the half
    /// spectrum's for complex ones.
    Shape transform_shape() const;
    std::int64_t transforms() const { return transforms_; }
    /// Extents of what one transform takes.
    const SignalShape& signal() const { return signal_; }
    /// Where in the tensor the values lie in the order in which the transforms take them, one after another;
    /// empty: in the tensor's own order.
    std::vector<std::uint32_t> order() const;

    std::vector<float> forward(Device device, const HostTensor& dense) const;
    HostTensor inverse(Device device, const std::vector<float>& coefficients) const;
    /// By a transform of this basis that is there already; null where it is the identity.
    HostTensor inverse(Device device, const std::vector<float>& coefficients,
                       const BasisTransform* transform) const;

private:
    Shape shape_;
    BasisChoice choice_;
    SignalShape signal_;  ///< of one transform
    std::int64_t transforms_ = 1, size_ = 0;
    std::vector<std::uint8_t> line_weights_{1};
    std::optional<HalfSpectrum> spectrum_;  ///< of one transform, where it is complex
};

/// Whether a tensor has the axes that a choice names, of itself or of the choice's view.
bool axes_fit(const BasisChoice& choice, const Shape& shape);

/// Choices of view and axes worth trying for a tensor: all axes, one side of a matrix, the two last of a
/// convolution, an axis of a square number of values as an image.
std::vector<BasisChoice> sensible_choices(const Shape& shape, BasisKind kind);

/// The matrix (first axis × all others) in tiles, each transformed alone. A side of a tile is the largest
/// divisor of the matrix's that is at most `tile`; a side that has none but 1 is not cut.
BasisChoice tiled_choice(const Shape& shape, BasisKind kind, std::int64_t tile);

}  // namespace spectral
