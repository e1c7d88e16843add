#include "engine/nn/learned_pattern.hpp"

#include <fmt/format.h>

#include "engine/core/error.hpp"
#include "engine/core/finite.hpp"
#include "engine/nn/filter_patterns.hpp"

namespace spectral {

namespace {

PatternOrigin rows_of(const PatternSnapshot::Matrix& matrix) {
    PatternOrigin rows;
    rows.columns = matrix.values.shape[1];
    for (std::int64_t row = 0; row < matrix.values.shape[0]; ++row) rows.first.push_back(row * rows.columns);
    return rows;
}

}  // namespace

void require_fit(const ParameterPart& part, const Shape& shape) {
    const std::int64_t count = std::ssize(part.values), size = shape.size();
    if (count == 0) throw BadValue("values", fmt::format("there are none for '{}'", part.parameter));
    if (part.first < 0 || part.first > size || count > size - part.first)
        throw BadValue("values",
                       fmt::format("'{}' is {}, which has no room for {} from value {} on", part.parameter,
                                   shape.text(), count, part.first),
                       "give as many as the parameter has");
    if (const auto bad = first_not_finite(part.values))
        throw BadValue("values", fmt::format("the one for '{}' at {} is not a finite number", part.parameter,
                                             shape.place_text(part.first + static_cast<std::int64_t>(*bad))));
}

std::int64_t pattern_count(const PatternSnapshot::Matrix& matrix) {
    if (matrix.values.shape.rank() != 2 || matrix.values.shape.size() == 0) return 0;
    if (matrix.origin) return std::ssize(matrix.origin->first);
    return all_finite(matrix.values.values) ? matrix.values.shape[0] : 0;
}

bool is_plane(const PatternSnapshot::Matrix& matrix) {
    if (pattern_count(matrix) < 2) return false;
    if (!matrix.origin) return true;
    const PatternOrigin& origin = *matrix.origin;
    if (origin.rows != 1 || origin.across != 1 || origin.gap != 0 || origin.spectra) return false;
    for (std::size_t i = 1; i < origin.first.size(); ++i)
        if (origin.first[i] != origin.first[i - 1] + origin.columns) return false;
    return true;
}

HostTensor pattern_of(const PatternSnapshot::Matrix& matrix, std::optional<std::int64_t> index) {
    if (!index) return matrix.values;
    const PatternOrigin origin = matrix.origin.value_or(rows_of(matrix));
    const std::int64_t top = *index / origin.across * (origin.rows + origin.gap),
                       left = *index % origin.across * (origin.columns + origin.gap);
    HostTensor pattern{origin.rows > 1 ? Shape{origin.rows, origin.columns} : Shape{origin.columns}, {}};
    for (std::int64_t row = top; row < top + origin.rows; ++row) {
        const auto begin = matrix.values.values.begin() + row * matrix.values.shape[1] + left;
        pattern.values.insert(pattern.values.end(), begin, begin + origin.columns);
    }
    return pattern;
}

ParameterPart part_of(Device device, const PatternSnapshot::Matrix& matrix, std::optional<std::int64_t> index,
                      const HostTensor& pattern) {
    require(matrix.origin.has_value(), "pattern", "it is derived from parameters and is none itself");
    const PatternOrigin& origin = *matrix.origin;
    return {origin.parameter, origin.first.at(static_cast<std::size_t>(index.value_or(0))),
            origin.spectra ? spectrum_of_shown(device, pattern) : pattern.values};
}

}  // namespace spectral
