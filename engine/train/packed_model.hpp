// A model run from what is stored of it: linear layers multiply by spectra, or by blocks of their weights
// that are made and forgotten, within a limit of memory. What has no such form is unpacked into memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/io/model_file.hpp"
#include "engine/nn/model.hpp"

namespace spectral {

/// How one layer with weights is run.
struct LayerWay {
    std::string layer;
    enum class Way {
        dense,     ///< its weight is in memory
        spectral,  ///< SpectralLinear
        blocks,    ///< ImplicitLinear
        expanded,  ///< what is packed of it was unpacked into memory
    } way = Way::dense;
    std::int64_t dense_bytes = 0;  ///< of its weight; of other layers than linear ones, of all they have
    std::int64_t block_rows = 0;   ///< of blocks
};

struct PackedModel {
    std::unique_ptr<Model> model;
    std::vector<LayerWay> ways;
    std::size_t least_limit = 0;  ///< of the budget, with which it could have been made
};

/// Rows of the blocks of weights that are made at a time.
enum class BlockRows { as_many_as_fit, fewest };

/// `file` as read with PackedTensors::keep; the budget's limit is what weights, activations and work may take
/// together. Linear layers and activations alone are never unpacked. Of other models linear layers of their
/// own stay packed once they are made, while all are in memory for a moment. Throws Error where the layers
/// are not those of the file's configuration, OutOfMemory where even blocks of the fewest rows do not fit.
PackedModel make_packed_model(Device device, const ModelFile& file, std::int64_t max_batch,
                              BlockRows block_rows = BlockRows::as_many_as_fit);

}  // namespace spectral
