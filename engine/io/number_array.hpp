// Arrays of numbers of any type, as other programs keep data in files: NumPy's .npy and .npz, and HDF5.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "engine/core/memory_budget.hpp"

namespace spectral {

struct NumberArray {
    std::vector<std::int64_t> extents;  ///< row-major
    /// Bytes and truth values as they are, other integers, floats.
    std::variant<std::vector<std::uint8_t>, std::vector<std::int64_t>, std::vector<float>> values;
    Reservation room;  ///< of the values, under "array" and its name

    std::int64_t count() const {
        return std::visit([](const auto& each) { return static_cast<std::int64_t>(each.size()); }, values);
    }
};

/// All of them check sizes against the file, and take from `budget`, where there is one, what they keep (as
/// data) and what reading takes besides (as workspace), each before it is allocated. Throws Error naming file
/// and array: absent, damaged, no numbers, a float or an integer that does not fit.
NumberArray read_npy_numbers(const std::filesystem::path& path, MemoryBudget* budget);
/// The array of this name of an archive.
NumberArray read_npz_numbers(const std::filesystem::path& path, const std::string& name,
                             MemoryBudget* budget);
/// The dataset at this path from the root: "train/images".
NumberArray read_hdf5_numbers(const std::filesystem::path& path, const std::string& name,
                              MemoryBudget* budget);

}  // namespace spectral
