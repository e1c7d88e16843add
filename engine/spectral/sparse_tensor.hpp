// A real tensor as those coefficients of its orthonormal half spectrum that were kept:
//   W[n] = N^{-1/2} Σ_k S[k] e^{2πi k·n/extents},  S Hermitian, N the number of values.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/tensor.hpp"
#include "engine/spectral/half_spectrum.hpp"
#include "engine/spectral/value_codec.hpp"

namespace spectral {

/// How much of a tensor is kept. A conjugate pair is two degrees of freedom, kept or dropped together.
struct Keep {
    enum class By {
        density,  ///< value · size() degrees of freedom, rounded, at least one
        count,    ///< so many degrees of freedom
        error,    ///< the fewest whose relative error ‖W − Ŵ‖/‖W‖ is at most the value
        energy,   ///< the fewest that hold the value of the energy, as a fraction
        bytes,    ///< the most whose stored_bytes() are at most the value
    };
    By by = By::density;
    double value = 1;
    ValueCoding coding = ValueCoding::f32;  ///< bytes: of the values
};

class SparseSpectralTensor {
public:
    /// The largest coefficients of `dense` (f32, rank 1 to 8), ties by the lower flat index. Throws Error on
    /// a value of `keep` that makes no sense, on values that are not finite (the first is named), and as
    /// HalfSpectrum does.
    static SparseSpectralTensor from_dense(Device device, const Tensor& dense, const Keep& keep);
    /// From a file: indices ascending, with both members of a stored pair. Throws Error where they are not,
    /// or lie outside.
    static SparseSpectralTensor from_host(Device device, const Shape& shape, std::vector<std::uint32_t> index,
                                          const std::vector<Complex>& values);

    /// The largest coefficients of a spectrum that is there already: `all` holds the orthonormal half
    /// spectrum of a tensor of `shape` in backend memory. Throws Error as from_dense() does.
    static SparseSpectralTensor from_spectrum(Device device, const Shape& shape, const Complex* all,
                                              const Keep& keep);
    /// `values` (in backend memory, copied) on a support: indices ascending, in the half spectrum of `shape`,
    /// with both members of a stored pair; that is the caller's word. Throws Error where the energy is not
    /// finite.
    static SparseSpectralTensor from_values(Device device, const Shape& shape,
                                            std::vector<std::uint32_t> index, const Complex* values);
    /// The coefficients of `dense` on a support as above: its projection on what that support can express.
    static SparseSpectralTensor project(Device device, const Tensor& dense, std::vector<std::uint32_t> index);

    /// Real values, f32.
    Tensor to_dense(Device device) const;

    const Shape& shape() const { return shape_; }
    const HalfSpectrum& spectrum() const { return spectrum_; }
    /// Coefficients that are held, both members of stored pairs among them.
    std::int64_t count() const { return static_cast<std::int64_t>(host_index_.size()); }
    std::int64_t degrees_of_freedom() const;
    /// Of indices, in their smallest coding, and values in this one.
    std::size_t stored_bytes(ValueCoding coding) const;
    const std::vector<std::uint32_t>& host_index() const { return host_index_; }
    std::vector<Complex> host_values(Backend& backend) const;
    const std::uint32_t* index() const { return index_.as<std::uint32_t>(); }
    Complex* values() const { return values_.as<Complex>(); }

    /// ‖W‖² of what is kept, by Parseval.
    double energy() const { return energy_; }
    /// ‖W‖² of the tensor that it was made from; equal to energy() where that is not known.
    double source_energy() const { return source_energy_; }
    double energy_retained() const { return source_energy_ > 0 ? energy_ / source_energy_ : 1; }
    /// ‖W − Ŵ‖/‖W‖ by Parseval, without a reconstruction.
    double relative_error() const;

private:
    SparseSpectralTensor(Device device, const Shape& shape, std::vector<std::uint32_t> index);
    /// Of a half spectrum that is `norm` times the orthonormal one, with its energy.
    static SparseSpectralTensor largest_of(Device device, const Shape& shape, const Complex* all,
                                           double energy, double norm, const Keep& keep);
    /// Of the values as they stand.
    double measured_energy(Device device) const;

    Shape shape_;
    HalfSpectrum spectrum_;
    std::vector<std::uint32_t> host_index_;
    Buffer index_, values_;
    double energy_ = 0, source_energy_ = 0;
};

}  // namespace spectral
