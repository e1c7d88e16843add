// How sets without a test set of their own get one.
#pragma once

#include "engine/core/schema.hpp"

namespace spectral {

/// test_share, as all such sets have it.
Field test_share_field();

}  // namespace spectral
