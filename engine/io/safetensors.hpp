// safetensors: eight bytes with the length of a JSON header (little-endian), the header with type, shape and
// place of every tensor, then the values. https://github.com/huggingface/safetensors#format
#pragma once

#include <map>

#include "engine/io/foreign_tensors.hpp"

namespace spectral {

/// Whether the file begins as one: a length that fits, and a brace. Nothing else is looked at. Throws Error
/// where it cannot be opened.
bool is_safetensors(const std::filesystem::path& path);

/// F64, F32, F16 and BF16; integers are skipped. Refuses, with Error naming the tensor, everything that the
/// format forbids: a header above 100 MB, fields that are missing, unknown or there twice, types that are
/// unknown, byte counts other than shape × width, values that overlap, leave holes or end before the file
/// does. `room` grows, before it is allocated, with what is read.
ForeignTensors read_safetensors(const std::filesystem::path& path, Reservation* room = nullptr);

/// Every tensor's values as F32, by "layer.tensor"; the inverse of what read_safetensors() makes of names.
/// Replaces `path` atomically. `metadata` goes in the header. Throws Error on two tensors of one name, and on
/// a tensor whose values are not there.
void write_safetensors(const std::filesystem::path& path, const ModelFile& model,
                       const std::map<std::string, std::string>& metadata);

}  // namespace spectral
