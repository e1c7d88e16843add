// The half spectrum that a real array of rank 1 to 8 has: the last axis is cut to n/2 + 1 frequencies f. A
// coefficient between the first and the middle one stands for its conjugate mirror too, which is not stored.
// In the planes f = 0 and, where n is even, f = n/2 both members of a conjugate pair are stored, and some are
// their own mirror.
#pragma once

#include <optional>
#include <vector>

#include "engine/core/tensor.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

class HalfSpectrum {
public:
    /// Throws Error on rank 0 or above 8, on an empty axis, and on more coefficients than 32 bits count.
    explicit HalfSpectrum(const Shape& shape);

    const SignalShape& signal() const { return signal_; }
    std::int64_t values() const { return signal_.size(); }         ///< real ones
    std::int64_t size() const { return signal_.spectrum_size(); }  ///< coefficients stored
    /// Extents of the stored half.
    Shape shape() const;

    /// The index at which the conjugate of coefficient `index` is stored: its own, another's, or nowhere.
    std::optional<std::int64_t> mirror(std::int64_t index) const;
    /// How often |c|² counts in the energy of the array: 2 where the mirror is implied, else 1.
    std::uint8_t energy_weight(std::int64_t index) const { return is_mirrored(index) ? 1 : 2; }
    /// Degrees of freedom that a selection spends on it: 2 for a pair, 1 for a coefficient that is its own
    /// mirror, 0 for the second member of a stored pair, which follows the first.
    std::uint8_t freedom(std::int64_t index) const;

    std::vector<std::uint8_t> energy_weights() const;
    std::vector<std::uint8_t> freedoms() const;

private:
    bool is_mirrored(std::int64_t index) const;
    /// 2 for every coefficient that stands for an implied mirror, weight(index) for the others.
    template <class Weight>
    std::vector<std::uint8_t> weights_by(const Weight& weight) const;

    SignalShape signal_;
    std::int64_t last_ = 1, bins_ = 1;  ///< samples and stored frequencies of the last axis
};

}  // namespace spectral
