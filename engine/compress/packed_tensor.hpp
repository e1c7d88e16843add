// A tensor as it is stored: coefficients in a basis, or two factors, as coded bytes. It knows what it costs
// and what it lost.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/compress/basis.hpp"
#include "engine/core/schema.hpp"
#include "engine/core/tensor.hpp"
#include "engine/spectral/index_codec.hpp"
#include "engine/spectral/value_codec.hpp"

namespace spectral {

/// Which coefficients are stored.
enum class Support {
    all,     ///< every one
    box,     ///< of every transform those of low frequency: a box around zero
    listed,  ///< those of the coded indices
};

/// Coded numbers, and the coefficients that they belong to.
struct PackedList {
    Support support = Support::all;
    std::vector<std::int64_t> box;  ///< highest frequency kept along every transformed axis
    IndexCoding index_coding = IndexCoding::flat;
    std::int64_t count = 0;  ///< coefficients, with both members of stored conjugate pairs
    ValueCoding value_coding = ValueCoding::f16;
    double scale = 1;  ///< of the numbers: value_codec.hpp
    std::vector<std::byte> indices, values;

    std::size_t bytes() const { return indices.size() + values.size(); }
    bool operator==(const PackedList&) const = default;
};

struct PackedTensor {
    std::string method;  ///< by which it was made: "fft"
    Shape shape;
    BasisChoice basis;
    /// One of the basis's coefficients; or, where `rank` is above 0, two of factors: the matrix (first axis ×
    /// all others) is leftᵀ·right with left: rank × rows and right: rank × columns.
    std::vector<PackedList> lists;
    std::int64_t rank = 0;
    double relative_error = 0;  ///< ‖W − Ŵ‖/‖W‖ of what is stored against what it was made from

    std::int64_t dense_bytes() const { return shape.size() * static_cast<std::int64_t>(sizeof(float)); }
    /// Indices, numbers, an order and the header, as the file has them before its own compression.
    std::size_t stored_bytes() const;
    /// Share of the energy ‖W‖² that is not lost; of a fine-tuned tensor what lies in the way it was moved
    /// counts as lost.
    double energy_retained() const { return std::max(0.0, 1 - relative_error * relative_error); }
    bool operator==(const PackedTensor&) const = default;
};

/// All but the coded bytes as JSON: what the file's header holds.
Json packing_json(const PackedTensor& tensor);

/// Coded bytes one list after another, indices before values; then the orders of rows and of columns.
std::vector<std::byte> packed_bytes(const PackedTensor& tensor);

/// The relative error that a file claims. Throws Error on one that cannot be.
double require_error(double error);

/// Back from both. Throws Error on what packing_json() and packed_bytes() do not give; nothing is decoded
/// yet.
PackedTensor parse_packing(const Json& header, std::span<const std::byte> bytes);

/// The coefficients of low frequency, ascending.
std::vector<std::uint32_t> box_indices(const Basis& basis, const std::vector<std::int64_t>& box);

/// Degrees of freedom of a box: of every transform as many as it has frequencies, with those that the stored
/// half implies.
std::int64_t box_freedom(const Basis& basis, const std::vector<std::int64_t>& box);

/// The places of a list's coefficients, ascending, and their numbers (basis.parts() each). Both throw Error
/// on damaged bytes.
std::vector<std::uint32_t> kept_indices(const PackedList& list, const Basis& basis);
std::vector<float> kept_numbers(const PackedList& list, const Basis& basis);

/// What a factor's numbers are values of: rank × rows for the left one (0), rank × columns for the right (1).
Basis factor_basis(const PackedTensor& tensor, std::size_t factor);
/// Stored degrees of freedom over the tensor's values; of two factors their numbers, which may be more than
/// the matrix has. Throws Error on damaged bytes.
double kept_share(const PackedTensor& tensor);

/// Coefficients of a list in their places, zeros elsewhere. Throws Error on damaged bytes.
std::vector<float> unpack(const PackedList& list, const Basis& basis);

/// What unpack() makes of kept_indices() and kept_numbers().
std::vector<float> in_places(const Basis& basis, const std::vector<std::uint32_t>& indices,
                             const std::vector<float>& numbers);

/// leftᵀ·right of a tensor's factors as they are unpacked. Throws OutOfMemory where the budget has no room.
HostTensor multiply_factors(Device device, const PackedTensor& tensor, const std::vector<float>& left,
                            const std::vector<float>& right);

/// Throws Error on damaged bytes; OutOfMemory where the dense tensor does not fit.
HostTensor unpack(Device device, const PackedTensor& tensor);

}  // namespace spectral
