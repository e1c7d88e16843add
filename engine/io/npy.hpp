// NumPy's arrays: .npy, a header that is a Python dictionary and then the values, and .npz, a ZIP archive of
// those. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include "engine/io/foreign_tensors.hpp"

namespace spectral {

inline constexpr std::string_view kNpyMagic = "\x93NUMPY";
inline constexpr std::string_view kZipMagic = "PK\x03\x04";

/// What stands in front of the values.
struct NpyHeader {
    std::string descr;  ///< type: "<f4"
    bool fortran_order = false;
    std::vector<std::int64_t> shape;
};
/// Of the header's text. Throws Error on everything that numpy.save() does not write, and on a rank above 8.
/// Nothing in it is evaluated.
NpyHeader parse_npy_header(std::string_view text);

/// Versions 1 to 3; floats of 16, 32 and 64 bits in either byte order, by rows or by columns. The tensor has
/// the file's name, without ending. Throws Error on other types, on Python objects (nothing is unpickled),
/// and where the file is shorter or longer than its header says. `room` grows, before it is allocated, with
/// what is read.
ForeignTensors read_npy(const std::filesystem::path& path, Reservation* room = nullptr);

/// The arrays of an archive by their names; integers, texts and what is no array are skipped. Throws as
/// read_npy(), and as zip_members().
ForeignTensors read_npz(const std::filesystem::path& path, Reservation* room = nullptr);

}  // namespace spectral
