#include "engine/compress/basis_transform.hpp"

#include <cmath>
#include <string_view>

#include "engine/compress/matrix_order.hpp"
#include "engine/core/transfer.hpp"
#include "kernels/ops/dct.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

constexpr std::string_view kHolder = "basis transform";

}  // namespace

BasisTransform::BasisTransform(Device device, const Basis& basis, Use use)
    : device_(device),
      kind_(basis.choice().kind),
      signal_(basis.signal()),
      transforms_(basis.transforms()),
      values_(basis.shape().size()),
      size_(basis.size()) {
    const bool analyses = use != Use::inverse, synthesises = use != Use::forward;
    if (const std::vector<std::uint32_t> order = basis.order(); !order.empty()) {
        if (analyses) order_ = upload(device, order, MemoryTag::workspace, kHolder);
        if (synthesises) back_ = upload(device, inverse_permutation(order), MemoryTag::workspace, kHolder);
        arranged_ = Tensor(device, MemoryTag::workspace, {values_}, kHolder);
    }
    const auto complex = [&](std::int64_t size) {
        return Tensor(device, MemoryTag::workspace, {size}, kHolder, DType::complex64);
    };
    if (kind_ == BasisKind::fft) {
        if (synthesises) {
            spectrum_ = complex(size_);
            scratch_ = complex(size_);
        }
        // They differ along the last axis only; some lines of it to a row keep the rows of short ones long.
        constexpr std::int64_t kLongEnough = 512;
        const Shape half = basis.transform_shape();
        row_ = half[half.rank() - 1];
        for (int axis = half.rank() - 2; axis >= 0 && row_ < kLongEnough; --axis) row_ *= half[axis];
        const auto weights = [&](bool mirrors) {
            std::vector<Complex> values(static_cast<std::size_t>(row_));
            const double scale = 1 / std::sqrt(static_cast<double>(signal_.size()));
            for (std::size_t i = 0; i < values.size(); ++i)
                values[i] = static_cast<float>(
                    scale * (mirrors ? basis.energy_weight(static_cast<std::int64_t>(i)) : 1));
            Tensor tensor = complex(row_);
            device.backend.copy_to_device(tensor.complex_data(), values.data(), tensor.bytes());
            return tensor;
        };
        if (use == Use::forward) scale_ = weights(false);
        // The adjoint of the real transform counts every stored coefficient once.
        if (synthesises) mirrored_scale_ = weights(true);
    } else if (kind_ != BasisKind::identity) {
        scratch_ = complex(Dct::scratch_size(transforms_, signal_));
    }
}

void BasisTransform::forward(const float* dense, float* coefficients) const {
    analyse(dense, coefficients, scale_);
}

void BasisTransform::inverse_adjoint(const float* d_dense, float* d_coefficients) const {
    analyse(d_dense, d_coefficients, mirrored_scale_);
}

void BasisTransform::analyse(const float* dense, float* coefficients, const Tensor& weights) const {
    Backend& backend = device_.backend;
    if (order_.data() != nullptr) {
        backend.run(GatherRows{values_, 1, dense, 1, order_.as<std::uint32_t>(), arranged_.data(), 1});
        dense = arranged_.data();
    }
    if (kind_ == BasisKind::identity) {
        backend.run(GatherRows{1, values_, dense, values_, nullptr, coefficients, values_});
    } else if (kind_ == BasisKind::fft) {
        auto* spectra = reinterpret_cast<Complex*>(coefficients);
        backend.run(Rfft{transforms_, signal_, dense, spectra});
        backend.run(SpectralMultiply{size_ / row_, row_, false, spectra, weights.complex_data(), spectra});
    } else {
        backend.run(Dct{transforms_, signal_, false, dense, coefficients, scratch_.complex_data()});
    }
}

void BasisTransform::inverse(const float* coefficients, float* dense) const {
    Backend& backend = device_.backend;
    float* values = back_.data() != nullptr ? arranged_.data() : dense;
    if (kind_ == BasisKind::identity) {
        backend.run(GatherRows{1, values_, coefficients, values_, nullptr, values, values_});
    } else if (kind_ == BasisKind::fft) {
        Complex* spectra = spectrum_.complex_data();
        backend.run(SpectralMultiply{size_ / row_, row_, false,
                                     reinterpret_cast<const Complex*>(coefficients),
                                     mirrored_scale_.complex_data(), spectra});
        backend.run(RfftBackward{transforms_, signal_, spectra, values, scratch_.complex_data()});
    } else {
        backend.run(Dct{transforms_, signal_, true, coefficients, values, scratch_.complex_data()});
    }
    if (back_.data() != nullptr)
        backend.run(GatherRows{values_, 1, values, 1, back_.as<std::uint32_t>(), dense, 1});
}

}  // namespace spectral
