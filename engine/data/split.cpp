#include "engine/data/split.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <span>
#include <string>

#include "engine/core/files.hpp"
#include "engine/core/random.hpp"

namespace spectral {

Field test_share_field() {
    return {
        "test_share", FieldType::real, 0.1, "test share", "Part of the data that is kept for testing.", 0.001,
        0.9};
}

std::vector<std::uint32_t> draw_test_rows(std::int64_t count, double share) {
    assert(count >= 2 && count <= UINT32_MAX);
    std::vector<std::uint32_t> rows(static_cast<std::size_t>(count));
    std::iota(rows.begin(), rows.end(), 0U);
    Random(0).shuffle(rows);
    const auto kept = static_cast<std::int64_t>(std::llround(share * static_cast<double>(count)));
    rows.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(kept, 1, count - 1)));
    std::ranges::sort(rows);
    return rows;
}

bool hashed_to_test(std::string_view name, double share) {
    // Thirteen hex digits are 52 bits, which a double holds.
    const std::string digits = sha256(std::as_bytes(std::span(name))).substr(0, 13);
    return std::ldexp(static_cast<double>(std::stoull(digits, nullptr, 16)), -52) < share;
}

}  // namespace spectral
