// IDX files (the format of MNIST), plain or gzip. They come from outside: nothing in them is believed
// unchecked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/core/files.hpp"
#include "engine/data/dataset.hpp"

namespace spectral {

/// Most bytes that one file may hold once decoded.
inline constexpr std::uint64_t kIdxMaximumBytes = std::uint64_t{4} << 30;

struct IdxArray {
    std::vector<std::int64_t> extents;  ///< all positive; 1 to 4 of them
    std::vector<std::uint8_t> values;
    Reservation reservation;
};

/// Reads one file of unsigned bytes. The size that the header promises is checked against the limit, the file
/// and `budget` before anything is allocated. `hash`, when not null, gets all decoded bytes, header included.
/// Throws Error naming the file: not there, not a regular file, no IDX file, not bytes, empty, truncated, too
/// long, damaged.
IdxArray read_idx(const std::filesystem::path& path, MemoryBudget* budget = nullptr, Sha256* hash = nullptr,
                  const Progress& progress = {});

/// Reads train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte
/// from the directory `request.path`; idx2 and idx4 hold samples of rank 1 and 3; ".gz" and
/// "train-images.idx3-ubyte" are found too. Throws Error naming the file at fault.
Dataset load_idx(const DatasetRequest& request);
/// The same; labels end at 9.
Dataset load_mnist(const DatasetRequest& request);

}  // namespace spectral
