// Data sets that are arrays in files: features, one row for each sample, and labels.
#pragma once

#include "engine/data/dataset.hpp"

namespace spectral {

/// Classes that labels may tell apart.
inline constexpr std::int64_t kArrayMaximumClasses = 4096;

/// The names of the arrays, and the share that is kept for testing where the test arrays' names are empty.
const Schema& arrays_schema();

/// Features of rank 1 to 8, the first axis counting samples, labels of one whole number each, from 0. Bytes
/// are divided by 255, other numbers taken as they are. Throws Error naming file and array: absent, of
/// another shape or type, labels out of range, features that are no finite numbers.
///
/// load_npy(): a directory with NAME.npy for each array, or an .npz archive. load_hdf5(): the datasets of a
/// file.
Dataset load_npy(const DatasetRequest& request);
Dataset load_hdf5(const DatasetRequest& request);

}  // namespace spectral
