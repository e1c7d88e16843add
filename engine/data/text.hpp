// The next character of a text, from the characters before it.
#pragma once

#include <cstdint>

#include "engine/data/dataset.hpp"

namespace spectral {

/// Most bytes that a text may have, and most different characters: its classes.
inline constexpr std::uint64_t kTextMaximumBytes = std::uint64_t{1} << 30;
inline constexpr std::int64_t kTextMaximumVocabulary = 4096;

const Schema& text_schema();

/// Samples are windows of tokens (see TokenWindows), the vocabulary is that of the whole file. The last
/// `test_share` of its characters are the test set; no window lies in both. Throws Error naming the file:
/// absent, too long, no UTF-8, too many different characters, too short for a window in each part.
Dataset load_text(const DatasetRequest& request);

}  // namespace spectral
