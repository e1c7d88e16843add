#include "engine/compress/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace spectral {

namespace {

std::int64_t modulo(std::int64_t value, std::int64_t n) { return (value % n + n) % n; }

std::int64_t per_cell(std::int64_t length) { return (length + kPictureSide - 1) / kPictureSide; }

}  // namespace

Cells Cells::of(std::int64_t rows, std::int64_t columns) {
    return {rows, columns, std::max<std::int64_t>(1, per_cell(rows)),
            std::max<std::int64_t>(1, per_cell(columns))};
}

Picture picture_of(const Shape& shape, std::span<const float> values) {
    const std::int64_t rows = shape.rank() > 1 ? shape[0] : 1;
    const std::int64_t columns = rows > 0 ? shape.size() / rows : 0;
    Picture picture{Cells::of(rows, columns), {}};
    const Cells& cells = picture.cells;
    picture.values.resize(static_cast<std::size_t>(cells.count()));
    const float* at = values.data();
    for (std::int64_t row = 0; row < rows; ++row) {
        float* to = picture.values.data() + row / cells.rows_per_cell * cells.across();
        for (std::int64_t begin = 0; begin < columns; begin += cells.columns_per_cell, ++to) {
            const std::int64_t end = std::min(begin + cells.columns_per_cell, columns);
            float strongest = *to;
            for (std::int64_t column = begin; column < end; ++column, ++at)
                strongest = std::abs(*at) > std::abs(strongest) ? *at : strongest;
            *to = strongest;
        }
    }
    return picture;
}

CoefficientMap::CoefficientMap(const Basis& basis)
    : kind_(basis.choice().kind), parts_(basis.parts()), size_(basis.size()) {
    const bool transformed = kind_ == BasisKind::fft || kind_ == BasisKind::dct;
    const Shape one = basis.transform_shape();  // of Fourier coefficients the stored half
    const int rank = one.rank();
    tiled_ = transformed && rank >= 2;
    centred_ = tiled_ && kind_ == BasisKind::fft;
    std::int64_t leading = 1;  // tiles of one transform
    std::int64_t stored_columns = 0;
    if (tiled_) {
        tile_rows_ = one[rank - 2];
        stored_columns = one[rank - 1];
        leading = one.size() / (tile_rows_ * stored_columns);
        const BasisChoice& choice = basis.choice();
        tile_columns_ = choice.view[choice.axes.back()];
    } else if (transformed) {
        tile_rows_ = basis.transforms();
        tile_columns_ = stored_columns = one.size();
    } else {
        const Shape& shape = basis.shape();
        tile_rows_ = shape.rank() > 1 ? shape[0] : 1;
        tile_columns_ = stored_columns = shape.size() / tile_rows_;
    }
    tiles_ = size_ / (tile_rows_ * stored_columns);
    // About as wide as high; tiles lie a cell apart.
    const std::int64_t gap = tiles_ > 1 ? 1 : 0;
    const double square = std::sqrt(static_cast<double>(tiles_) * static_cast<double>(tile_rows_) /
                                    static_cast<double>(tile_columns_));
    tiles_across_ = std::clamp<std::int64_t>(std::llround(square), 1, tiles_);
    const std::int64_t tiles_down = (tiles_ + tiles_across_ - 1) / tiles_across_;
    cells_ = Cells::of(tiles_down * (tile_rows_ + gap) - gap, tiles_across_ * (tile_columns_ + gap) - gap);

    cell_.resize(static_cast<std::size_t>(size_));
    if (centred_) mirror_cell_.assign(cell_.size(), kNowhere);
    // Leading transformed axes of a tile count into its mirror's place too.
    std::vector<std::int64_t> leading_extents;
    for (int axis = 0; axis + 2 < rank && tiled_; ++axis) leading_extents.push_back(one[axis]);
    const auto mirrored_tile = [&](std::int64_t tile) {
        std::int64_t rest = tile % leading, result = 0, step = 1;
        for (std::size_t axis = leading_extents.size(); axis-- > 0;) {
            const std::int64_t n = leading_extents[axis];
            result += modulo(-(rest % n), n) * step;
            rest /= n;
            step *= n;
        }
        return tile / leading * leading + result;
    };
    std::int64_t i = 0;
    for (std::int64_t tile = 0; tile < tiles_; ++tile) {
        const std::int64_t mirrored = centred_ ? mirrored_tile(tile) : tile;
        for (std::int64_t u = 0; u < tile_rows_; ++u)
            for (std::int64_t v = 0; v < stored_columns; ++v, ++i) {
                const auto at = static_cast<std::size_t>(i);
                if (!centred_) {
                    cell_[at] = cell_of({tile, u, v});
                    continue;
                }
                const std::int64_t middle_row = tile_rows_ / 2, middle_column = tile_columns_ / 2;
                cell_[at] = cell_of(
                    {tile, modulo(u + middle_row, tile_rows_), modulo(v + middle_column, tile_columns_)});
                if (basis.energy_weight(i) == 2)
                    mirror_cell_[at] = cell_of({mirrored, modulo(middle_row - u, tile_rows_),
                                                modulo(middle_column - v, tile_columns_)});
            }
    }
}

std::uint32_t CoefficientMap::cell_of(const Place& place) const {
    const std::int64_t gap = tiles_ > 1 ? 1 : 0;
    const std::int64_t row = place.tile / tiles_across_ * (tile_rows_ + gap) + place.row;
    const std::int64_t column = place.tile % tiles_across_ * (tile_columns_ + gap) + place.column;
    return static_cast<std::uint32_t>(cells_.cell(row, column));
}

Picture CoefficientMap::magnitudes(const std::vector<float>& coefficients, std::vector<float>& phases) const {
    constexpr float kNone = -1;
    std::vector<float> largest(static_cast<std::size_t>(cells_.count()), kNone);
    phases.assign(largest.size(), std::numeric_limits<float>::quiet_NaN());
    const auto add = [&](std::uint32_t cell, float magnitude, float phase) {
        if (magnitude <= largest[cell]) return;
        largest[cell] = magnitude;
        phases[cell] = phase;
    };
    for (std::size_t i = 0; i < cell_.size(); ++i) {
        const bool complex = parts_ == 2;
        const float re = coefficients[complex ? 2 * i : i], im = complex ? coefficients[2 * i + 1] : 0.0F;
        const float magnitude = std::hypot(re, im), phase = std::atan2(im, re);
        add(cell_[i], magnitude, phase);
        if (!mirror_cell_.empty() && mirror_cell_[i] != kNowhere) add(mirror_cell_[i], magnitude, -phase);
    }
    float smallest = std::numeric_limits<float>::max();
    for (const float value : largest)
        if (value > 0) smallest = std::min(smallest, value);
    if (smallest == std::numeric_limits<float>::max()) smallest = 1;
    for (float& value : largest)
        value = value == kNone ? std::numeric_limits<float>::quiet_NaN()
                : value > 0    ? std::log10(value)
                               : std::log10(smallest) - 1;
    return {cells_, std::move(largest)};
}

std::vector<std::uint8_t> CoefficientMap::kept(const std::vector<float>& coefficients) const {
    std::vector<std::uint8_t> marks(static_cast<std::size_t>(cells_.count()));
    // Which are zero follows no pattern that the processor could foresee: no branch on it.
    const auto mark = [&](std::size_t i, bool kept) {
        marks[cell_[i]] |= static_cast<std::uint8_t>(kept);
        if (!mirror_cell_.empty() && mirror_cell_[i] != kNowhere)
            marks[mirror_cell_[i]] |= static_cast<std::uint8_t>(kept);
    };
    if (parts_ == 2) {
        for (std::size_t i = 0; i < cell_.size(); ++i)
            mark(i, (coefficients[2 * i] != 0) | (coefficients[2 * i + 1] != 0));
    } else {
        for (std::size_t i = 0; i < cell_.size(); ++i) mark(i, coefficients[i] != 0);
    }
    return marks;
}

std::string CoefficientMap::place_text(std::int64_t down, std::int64_t across) const {
    const std::int64_t gap = tiles_ > 1 ? 1 : 0;
    const std::int64_t row = down * cells_.rows_per_cell, column = across * cells_.columns_per_cell;
    const std::int64_t in_row = row % (tile_rows_ + gap), in_column = column % (tile_columns_ + gap);
    const std::int64_t tile = row / (tile_rows_ + gap) * tiles_across_ + column / (tile_columns_ + gap);
    if (in_row >= tile_rows_ || in_column >= tile_columns_ || tile >= tiles_) return {};
    const std::string number = tiles_ > 1 ? fmt::format("transform {}, ", tile) : std::string();
    if (centred_)
        return number +
               fmt::format("frequency ({}, {})", in_row - tile_rows_ / 2, in_column - tile_columns_ / 2);
    if (tiled_) return number + fmt::format("frequency ({}, {})", in_row, in_column);
    if (kind_ == BasisKind::fft || kind_ == BasisKind::dct)
        return fmt::format("line {}, frequency {}", in_row, in_column);
    return fmt::format("row {}, column {}", in_row, in_column);
}

bool CoefficientMap::has_frequencies() const { return kind_ == BasisKind::fft || kind_ == BasisKind::dct; }

}  // namespace spectral
