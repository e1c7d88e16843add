// Features with mean 0 and deviation 1 over the training set, and how a model file remembers them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/data/features.hpp"
#include "engine/io/model_file.hpp"

namespace spectral {

/// In a model file it is the first layer, of kind "standardise": y[f] = (x[f] − mean[f]) / deviation[f], 0
/// where the deviation is 0.
class Standardisation {
public:
    /// Of the rows `rows` (host memory) of `features`.
    static Standardisation measure(Device device, const FeatureMatrix& features,
                                   std::span<const std::uint32_t> rows);
    /// Nothing when the file's model takes its features as they are. Throws Error on a record that does not
    /// fit `columns` features.
    static std::optional<Standardisation> from(const ModelFile& file, std::int64_t columns);

    void apply(Device device, FeatureMatrix& features) const;
    LayerRecord record() const;

private:
    Standardisation(HostTensor mean, HostTensor deviation);

    HostTensor mean_, deviation_;
};

/// The file's layers without the standardisation: those of the network.
std::span<const LayerRecord> network_layers(const ModelFile& file);

}  // namespace spectral
