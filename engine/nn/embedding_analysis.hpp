// What there is to see of encodings and embeddings: how alike positions are, windings as a torus, the
// principal components of vectors, and which of them lie near each other. Host arrays in, host arrays out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/tensor.hpp"
#include "engine/nn/positional_encoding.hpp"

namespace spectral {

/// The encodings of positions 0 … positions − 1: positions × width.
HostTensor position_table(PositionKind kind, std::int64_t positions, std::int64_t width);

/// The cosine of the angle between the encodings of two positions, which depends on their distance Δ alone:
/// 2/width · Σ_i cos(Δ·base^{−2i/width}), for Δ = 0 … farthest. With the base of rotary encoding and the
/// width of a head it is how much of a query's product with an equal key is left when they stand Δ apart.
std::vector<double> similarity_curve(double base, std::int64_t width, std::int64_t farthest);

/// The same for each pair of positions: positions × positions.
HostTensor position_similarity(PositionKind kind, std::int64_t positions, std::int64_t width);

/// cos and sin of a token's turns by each of the winding numbers, for tokens 0 … count − 1: what a winding
/// embedding projects, count × 2·windings. windings ≤ kMostWindings.
HostTensor winding_table(std::int64_t vocabulary, std::int64_t windings, std::int64_t count);

struct Point3 {
    double x = 0, y = 0, z = 0;
};

/// Token t of a vocabulary V as a place on a torus: around the ring of radius 1 by 2π·along·t/V, around the
/// tube of radius kTubeRadius by 2π·around·t/V. Tokens 0 … count − 1.
std::vector<Point3> winding_torus(std::int64_t vocabulary, std::int64_t along, std::int64_t around,
                                  std::int64_t count);
inline constexpr double kTubeRadius = 0.42;

struct PrincipalComponents {
    HostTensor coordinates;     ///< rows × components
    std::vector<double> share;  ///< of the variance, of each component
};

/// Of the rows of a matrix about their mean. The sign of a component is the one in which its largest
/// coordinate by magnitude (the first of equals) is positive. Throws Error on numbers that are not finite;
/// `components` are at most as many as rows or columns.
PrincipalComponents principal_components(const HostTensor& rows, std::int64_t components);

struct Neighbour {
    std::int64_t token = 0;
    double similarity = 0;  ///< cosine
};

/// The `count` rows most like row `token`, without itself, the most alike first and of equals the lower one.
/// A row of zeros is like nothing: 0. Throws Error where there is no such row.
std::vector<Neighbour> cosine_neighbours(const HostTensor& rows, std::int64_t token, std::int64_t count);

}  // namespace spectral
