// Spectral pooling of feature maps (Rippel, Snoek & Adams 2015): each map at a lower resolution, by its
// lowest frequencies; engine/spectral/spectral_pooling.hpp has the formula.
#pragma once

#include "engine/nn/feature_maps.hpp"
#include "engine/nn/layer.hpp"
#include "kernels/ops/sparse_matmul.hpp"

namespace spectral {

/// Linear, so its gradient is the transpose: transforms between which a sparse matrix picks frequencies, in
/// the other direction.
class SpectralPoolLayer final : public Layer {
public:
    /// `space`: of the pooled maps, none of the extents zero or above that of the input; else throws Error.
    SpectralPoolLayer(Device device, std::string name, const FeatureMaps& input, const SpaceExtents& space,
                      std::int64_t max_batch, Use use = Use::train);

    std::string_view kind() const override { return "spectral-pool"; }
    Json config() const override;
    std::int64_t inputs() const override { return input_.size(); }
    std::int64_t outputs() const override { return output_.size(); }
    /// x must be contiguous and in batch order.
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;

    const FeatureMaps& output_maps() const { return output_; }

private:
    /// Entries of a sparse matrix of ones and twos, which may take conjugates.
    struct Frequencies {
        Buffer row_start, place, value;
        SparseRows rows;
    };
    struct Entry {
        std::uint32_t row, place;
    };

    Frequencies make_frequencies(std::vector<Entry> entries, std::int64_t rows, std::int64_t columns);
    void resample(std::int64_t maps, const SignalShape& from, const SignalShape& to,
                  const Frequencies& frequencies, const float* x, float* y);

    Device device_;
    FeatureMaps input_, output_;
    SignalShape fine_, coarse_;
    Frequencies forward_, backward_;
    Buffer scale_;                ///< one complex number: 1 / values of a map
    std::int64_t most_maps_ = 0;  ///< that are transformed at a time
    Tensor from_, to_, scratch_;  ///< spectra of so many maps
};

}  // namespace spectral
