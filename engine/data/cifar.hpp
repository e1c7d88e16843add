// CIFAR-10 (Krizhevsky 2009) in its binary form.
#pragma once

#include "engine/data/dataset.hpp"

namespace spectral {

const Schema& cifar10_schema();

/// From data_batch_1.bin to data_batch_5.bin and test_batch.bin, anywhere in a directory or a tar archive
/// (gzip or not). A record is a label, 0 to 9, and 32 × 32 pixels by planes of red, green and blue. Throws
/// Error naming the file that is missing, of another length, or holds another label.
Dataset load_cifar10(const DatasetRequest& request);

}  // namespace spectral
