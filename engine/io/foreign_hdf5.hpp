// HDF5 files of other programs: Keras' weights (layers/NAME/vars/0 of version 3,
// model_weights/NAME/NAME/kernel:0 before it), or any tree of groups with datasets of floats.
#pragma once

#include "engine/io/foreign_tensors.hpp"

namespace spectral {

/// Every dataset of 16-, 32- or 64-bit floats by its path, as the model file's reader would: no external
/// storage, no links but hard ones, no filter but gzip, shuffle and fletcher32, every size checked before it
/// is believed. Other datasets, and the state of an optimiser, are skipped. No attribute is read. Throws
/// Error naming file and object. `room` grows, before it is allocated, with what is read.
ForeignTensors read_foreign_hdf5(const std::filesystem::path& path, Reservation* room = nullptr);

}  // namespace spectral
