#include "engine/compress/matrix_order.hpp"

#include <fmt/format.h>

#include "engine/core/error.hpp"

namespace spectral {

namespace {

constexpr const char* kDamaged = "the file is damaged, or was written by another program";

bool is_permutation(std::span<const std::uint32_t> order) {
    std::vector<bool> seen(order.size());
    for (const std::uint32_t i : order) {
        if (i >= order.size() || seen[i]) return false;
        seen[i] = true;
    }
    return true;
}

}  // namespace

std::size_t MatrixOrder::bytes() const {
    const auto of = [](const std::vector<std::uint32_t>& order) {
        return order.size() * static_cast<std::size_t>(permutation_width(std::ssize(order)));
    };
    return of(rows) + of(columns);
}

void require_fits(const MatrixOrder& order, const Shape& shape) {
    if (order.empty()) return;
    if (shape.rank() < 1 || shape.size() == 0)
        throw Error(fmt::format("tensor of {}", shape.text()), "it has no rows to order");
    const auto check = [&](const std::vector<std::uint32_t>& each, std::int64_t count, const char* what) {
        if (!each.empty() && (std::ssize(each) != count || !is_permutation(each)))
            throw Error(fmt::format("tensor of {}", shape.text()),
                        fmt::format("the order of its {} {} does not name each once", count, what));
    };
    check(order.rows, shape[0], "rows");
    check(order.columns, shape.size() / shape[0], "columns");
}

std::uint32_t tensor_place(const MatrixOrder& order, std::int64_t place, std::int64_t columns) {
    const std::int64_t row = place / columns, column = place % columns;
    const std::int64_t from_row = order.rows.empty() ? row : order.rows[static_cast<std::size_t>(row)];
    const std::int64_t from_column =
        order.columns.empty() ? column : order.columns[static_cast<std::size_t>(column)];
    return static_cast<std::uint32_t>(from_row * columns + from_column);
}

std::vector<std::uint32_t> inverse_permutation(const std::vector<std::uint32_t>& order) {
    std::vector<std::uint32_t> back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) back[order[i]] = static_cast<std::uint32_t>(i);
    return back;
}

std::int64_t permutation_width(std::int64_t count) {
    if (count <= std::int64_t{1} << 8) return 1;
    return count <= std::int64_t{1} << 16 ? 2 : 4;
}

std::vector<std::byte> encode_permutation(std::span<const std::uint32_t> order) {
    std::vector<std::byte> bytes;
    const std::int64_t width = permutation_width(std::ssize(order));
    for (const std::uint32_t number : order)
        for (std::int64_t byte = 0; byte < width; ++byte)
            bytes.push_back(static_cast<std::byte>(number >> (8 * byte) & 0xffU));
    return bytes;
}

std::vector<std::uint32_t> decode_permutation(std::span<const std::byte> bytes, std::int64_t count) {
    const std::int64_t width = permutation_width(count);
    // Divided, not multiplied: a hostile count may be of any size.
    if (count < 0 || std::ssize(bytes) % width != 0 || std::ssize(bytes) / width != count)
        throw Error("order", fmt::format("{} bytes are not as many as one of {} has", bytes.size(), count),
                    kDamaged);
    std::vector<std::uint32_t> order;
    order.reserve(static_cast<std::size_t>(count));
    for (auto from = bytes.begin(); from != bytes.end(); from += width) {
        std::uint32_t number = 0;
        for (std::int64_t byte = 0; byte < width; ++byte)
            number |= std::to_integer<std::uint32_t>(from[byte]) << (8 * byte);
        order.push_back(number);
    }
    if (!is_permutation(order))
        throw Error("order", fmt::format("it does not name each of {} once", count), kDamaged);
    return order;
}

}  // namespace spectral
