// Tensors and their coefficients as matrices small enough to be painted: of what falls into one cell the
// strongest, for a mean of alternating signs would be grey.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/compress/basis.hpp"

namespace spectral {

/// Cells of a picture per side at most.
inline constexpr std::int64_t kPictureSide = 512;

/// How a matrix of rows × columns is cut into cells of rows_per_cell × columns_per_cell; the last ones may
/// be smaller.
struct Cells {
    std::int64_t rows = 0, columns = 0;
    std::int64_t rows_per_cell = 1, columns_per_cell = 1;

    /// At most kPictureSide cells a side.
    static Cells of(std::int64_t rows, std::int64_t columns);
    std::int64_t down() const { return (rows + rows_per_cell - 1) / rows_per_cell; }
    std::int64_t across() const { return (columns + columns_per_cell - 1) / columns_per_cell; }
    std::int64_t count() const { return down() * across(); }
    std::int64_t cell(std::int64_t row, std::int64_t column) const {
        return row / rows_per_cell * across() + column / columns_per_cell;
    }
    bool operator==(const Cells&) const = default;
};

struct Picture {
    Cells cells;
    std::vector<float> values;  ///< one a cell, row-major
};

/// The tensor as a matrix: its first axis × all others; a list is one row.
Picture picture_of(const Shape& shape, std::span<const float> values);

/// Where the coefficients of a basis lie in a picture. Of two or more transformed axes the last two make a
/// tile, and the tiles lie side by side, a cell apart; of one axis each transform is a row. Fourier
/// coefficients of a tile are centred and shown with their implied mirrors. Other bases: as the tensor.
class CoefficientMap {
public:
    explicit CoefficientMap(const Basis& basis);

    const Cells& cells() const { return cells_; }
    /// log₁₀ of the largest magnitude in each cell; not a number where no coefficient lies, and one decade
    /// below the smallest where all are zero. `phases`, by cell: of that coefficient, in radians.
    Picture magnitudes(const std::vector<float>& coefficients, std::vector<float>& phases) const;
    /// 1 where a coefficient of the cell is not zero, else 0.
    std::vector<std::uint8_t> kept(const std::vector<float>& coefficients) const;
    /// "frequency (−3, 12)", "row 2, frequency 5"; of a cell of several the first.
    std::string place_text(std::int64_t down, std::int64_t across) const;
    /// Of a Fourier or cosine transform, so that places are frequencies.
    bool has_frequencies() const;

private:
    struct Place {
        std::int64_t tile = 0, row = 0, column = 0;
    };
    static constexpr std::uint32_t kNowhere = UINT32_MAX;

    std::uint32_t cell_of(const Place& place) const;

    BasisKind kind_;
    int parts_;
    std::int64_t size_;
    bool tiled_ = false, centred_ = false;
    std::int64_t tile_rows_ = 1, tile_columns_ = 1, tiles_ = 1, tiles_across_ = 1;
    Cells cells_;
    std::vector<std::uint32_t> cell_;  ///< by coefficient
    /// By coefficient, kNowhere where there is no implied mirror; empty where none has one.
    std::vector<std::uint32_t> mirror_cell_;
};

}  // namespace spectral
