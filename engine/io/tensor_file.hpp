// Any file of weights that is understood here, told by what is in it and not by its name.
#pragma once

#include <string_view>

#include "engine/io/foreign_tensors.hpp"

namespace spectral {

enum class TensorFormat { model, hdf5, safetensors, npy, npz };
std::string_view tensor_format_name(TensorFormat format);  ///< "safetensors"

struct TensorFile {
    TensorFormat format = TensorFormat::model;
    ModelFile model;                   ///< of a foreign file without configuration, history and provenance
    std::vector<std::string> skipped;  ///< tensors that hold no real numbers: "step (I64)"
};

/// Throws Error where the file is damaged, and where it is of no known format. `room` grows, before it is
/// allocated, with what is read.
TensorFile read_tensor_file(const std::filesystem::path& path, Reservation* room = nullptr,
                            PackedTensors packed = PackedTensors::unpack);

}  // namespace spectral
