// What is fuzzed: each takes hostile bytes, lets pass only an Error, and aborts where what was accepted
// breaks a promise of the reader or codec.
#pragma once

#include <cstdint>
#include <span>

#include "engine/compress/packed_tensor.hpp"

namespace spectral::fuzz {

using Bytes = std::span<const std::uint8_t>;

bool safetensors(Bytes bytes);
bool npy(Bytes bytes);
bool npz(Bytes bytes);
bool foreign_hdf5(Bytes bytes);
bool model_file(Bytes bytes);
/// An .npy file, or an .npz archive with the array "w".
bool numbers(Bytes bytes);
bool tar(Bytes bytes);
bool wav(Bytes bytes);
bool image(Bytes bytes);
/// One byte of coding, one of count, two of universe, then the coded bytes.
bool index_codec(Bytes bytes);
/// One byte of coding, two of count, eight of scale (a double), then the coded bytes.
bool value_codec(Bytes bytes);
/// The header's JSON up to the first zero byte, then the coded bytes.
bool packed_tensor(Bytes bytes);
/// The same bytes, whose values must not depend on the way: unpacked at once, or made slice by slice.
bool slices(Bytes bytes);

/// The packed tensor that the bytes of packed_tensor() are. Throws Error where they are none.
PackedTensor parse_packed(Bytes bytes);
/// Ends the program where a promise is broken.
void promise(bool kept);

}  // namespace spectral::fuzz
