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

/// The bytes in front of the values out of `next`, which has `bytes` of them in all; what remains is the
/// values'. Throws Error on damage, and on a header as parse_npy_header().
struct NpyStart {
    NpyHeader header;
    std::uint64_t value_bytes = 0;
};
NpyStart read_npy_start(std::uint64_t bytes, const ByteSource& next);
/// Throws Error unless values of so many bytes each fill `start` exactly; gives how many there are.
std::size_t count_npy_values(const NpyStart& start, std::size_t bytes_each);

/// Versions 1 to 3; floats of 16, 32 and 64 bits in either byte order, by rows or by columns. The tensor has
/// the file's name, without ending. Throws Error on other types, on Python objects (nothing is unpickled),
/// and where the file is shorter or longer than its header says. `room` grows, before it is allocated, with
/// what is read.
ForeignTensors read_npy(const std::filesystem::path& path, Reservation* room = nullptr);

/// The arrays of an archive by their names; integers, texts and what is no array are skipped. Throws as
/// read_npy(), and as zip_members().
ForeignTensors read_npz(const std::filesystem::path& path, Reservation* room = nullptr);

}  // namespace spectral
