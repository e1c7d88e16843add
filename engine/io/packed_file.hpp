// Packed tensors in HDF5 (resources/docs/model-file.md): as 16-bit floats, as a sparse spectrum in plain
// arrays, or as coded bytes.
#pragma once

#include "engine/compress/packed_tensor.hpp"
#include "engine/io/hdf5.hpp"

namespace spectral {

/// In the plainest form that holds it.
hdf5::Handle write_packed_tensor(hid_t file, const PackedTensor& tensor);

/// Whether a dataset holds something else than a dense tensor of 32-bit floats.
bool is_packed(const hdf5::Dataset& dataset);
/// Both throw Error on what write_packed_tensor() does not write; nothing is unpacked yet.
PackedTensor read_packed_tensor(const hdf5::Dataset& dataset);
PackedTensor read_sparse_spectrum(const hdf5::Group& group);

}  // namespace spectral
