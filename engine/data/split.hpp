// How sets without a test set of their own get one.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/core/schema.hpp"

namespace spectral {

/// test_share, as all such sets have it.
Field test_share_field();

/// The rows of `count` that are kept for testing, ascending: `share` of them, one at least and not all, drawn
/// at random but always the same ones. Sets are often in the order of their classes. count ≥ 2.
std::vector<std::uint32_t> draw_test_rows(std::int64_t count, double share);

/// Whether a sample of this name is kept for testing: where its SHA-256, as a fraction, is below `share`.
bool hashed_to_test(std::string_view name, double share);

}  // namespace spectral
