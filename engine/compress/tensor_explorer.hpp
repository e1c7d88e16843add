// One tensor under one method: its pictures, prepared once, and what every rate makes of them, at the speed
// of a slider.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/compress/basis_transform.hpp"
#include "engine/compress/method.hpp"
#include "engine/compress/picture.hpp"

namespace spectral {

/// What does not change with the rate.
struct MethodView {
    std::string method;
    Picture weights;
    /// Of the method's own coefficients; where it has none, of the Fourier transform over all axes.
    std::shared_ptr<const CoefficientMap> map;
    Picture magnitudes;         ///< log₁₀|c|
    std::vector<float> phases;  ///< radians, by cell; of real coefficients 0 and π
    bool has_coefficients = false;
    bool is_complex = false;
    std::vector<EnergyPoint> energies, noise;  ///< noise is empty where no formula is known
    std::int64_t steps = 1;                    ///< 1: there is one rate only
    double least_kept = 0;                     ///< share of the degrees of freedom at the lowest rate
};

/// What a rate gives.
struct TensorLook {
    PackedTensor packed;
    double kept = 0;  ///< share of the degrees of freedom
    Picture reconstruction, difference;
    std::vector<std::uint8_t>
        marks;  ///< by cell of the magnitudes; empty where the method has no coefficients
};

class TensorExplorer {
public:
    /// `dense` is shared, not copied. Throws Error as Method::prepare().
    TensorExplorer(Device device, std::shared_ptr<const HostTensor> dense, const std::string& method);

    std::shared_ptr<const MethodView> view() const { return view_; }
    /// At the rate that keeps this share (0 to 1) of the degrees of freedom, at least the lowest.
    TensorLook look(double density) const;

private:
    Device device_;
    std::shared_ptr<const HostTensor> dense_;
    std::unique_ptr<Packer> packer_;
    /// Its work areas stay while the tensor is looked at: making them takes as long as using them.
    std::optional<BasisTransform> inverse_;
    std::shared_ptr<const MethodView> view_;
};

}  // namespace spectral
