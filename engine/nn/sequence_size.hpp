// What the layers of sequence models share: a sample is a row of places, a place a row of values.
#pragma once

#include <cstdint>

namespace spectral {

/// Rows are places × width floats, place after place.
struct SequenceSize {
    std::int64_t places = 0;  ///< tokens of a window
    std::int64_t width = 0;   ///< values of a place

    std::int64_t values() const { return places * width; }
};

}  // namespace spectral
