// What is fuzzed: each takes hostile bytes, lets pass only an Error, and aborts where what was accepted
// breaks a promise of the reader or codec.
#pragma once

#include <cstdint>
#include <span>

namespace spectral::fuzz {

using Bytes = std::span<const std::uint8_t>;

bool safetensors(Bytes bytes);
bool npy(Bytes bytes);
bool npz(Bytes bytes);
bool foreign_hdf5(Bytes bytes);
bool model_file(Bytes bytes);
bool tar(Bytes bytes);
bool wav(Bytes bytes);
bool image(Bytes bytes);
/// One byte of coding, one of count, two of universe, then the coded bytes.
bool index_codec(Bytes bytes);
/// One byte of coding, two of count, eight of scale (a double), then the coded bytes.
bool value_codec(Bytes bytes);
/// The header's JSON up to the first zero byte, then the coded bytes.
bool packed_tensor(Bytes bytes);

}  // namespace spectral::fuzz
