// The two ways in which methods work: coefficients in a basis, and two factors. The tensors given have
// values, and only finite ones.
#pragma once

#include <memory>
#include <string>

#include "engine/compress/method.hpp"

namespace spectral {

/// Shorter sides of a matrix above it take minutes to decompose.
inline constexpr std::int64_t kLargestSvdSide = 1024;

struct BasisMethod {
    BasisKind kind = BasisKind::fft;
    Support support = Support::listed;  ///< listed: the largest; box: the lowest frequencies; all
    ValueCoding values = ValueCoding::f16;
};

std::unique_ptr<Packer> make_basis_packer(Device device, const HostTensor& dense, std::string name,
                                          const BasisMethod& method, const PackOptions& options);

/// By singular value decomposition of the matrix (first axis × all others).
std::unique_ptr<Packer> make_low_rank_packer(Device device, const HostTensor& dense, std::string name,
                                             ValueCoding values);

}  // namespace spectral
