// A single pattern out of what a model shows of itself, and the way back into the parameter that it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/tensor.hpp"
#include "engine/nn/pattern_snapshot.hpp"

namespace spectral {

/// New values for a parameter, or for as many of its values as there are from `first` on.
struct ParameterPart {
    std::string parameter;  ///< "purefft/pool": the layer's name and its own
    std::int64_t first = 0;
    std::vector<float> values;
};

/// Throws BadValue that says what is wrong: "values" where they are none, too many for the shape of their
/// parameter or not finite.
void require_fit(const ParameterPart& part, const Shape& shape);

/// Those of the matrix's origin, else its rows. None where it has gaps and nothing says where.
std::int64_t pattern_count(const PatternSnapshot::Matrix& matrix);

/// Whether all rows together can be taken for one pattern, a plane.
bool is_plane(const PatternSnapshot::Matrix& matrix);

/// Pattern `index`, of rank 1 where it is a row and 2 where it is an image; without an index the whole plane.
HostTensor pattern_of(const PatternSnapshot::Matrix& matrix, std::optional<std::int64_t> index);

/// What makes `pattern` that pattern of the matrix's parameter. The matrix must have an origin, and the
/// pattern the shape that pattern_of() gives.
ParameterPart part_of(Device device, const PatternSnapshot::Matrix& matrix, std::optional<std::int64_t> index,
                      const HostTensor& pattern);

}  // namespace spectral
