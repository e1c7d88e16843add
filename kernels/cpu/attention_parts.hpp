// How attention is cut into parts that threads take one after the other.
#pragma once

#include <algorithm>
#include <atomic>

#include "kernels/attention_scratch.hpp"
#include "kernels/cpu/backend.hpp"

namespace spectral::cpu {

/// Scores are in units of log 2: one multiplication less for each exponential.
inline constexpr float kLog2E = 1.44269504F, kLn2 = 0.693147181F;

/// One head of one member of the batch.
struct Head {
    std::int64_t batch, head;

    Head(const AttentionShape& shape, std::int64_t index)
        : batch(index / shape.heads), head(index % shape.heads) {}
    std::int64_t place(const HeadStrides& strides) const {
        return batch * strides.batch + head * strides.head;
    }
    /// Of its first query among all rows.
    std::int64_t first_row(const AttentionShape& shape) const {
        return (batch * shape.heads + head) * shape.queries;
    }
    const std::uint8_t* keep(const AttentionShape& shape) const {
        return shape.keep != nullptr ? shape.keep + batch * shape.keys : nullptr;
    }
};

/// Queries or keys.
struct Range {
    std::int64_t begin, end;
};

/// Keys that queries up to `query` attend to: those below.
inline std::int64_t keys_until(const AttentionShape& shape, std::int64_t query) {
    if (!shape.causal) return shape.keys;
    return std::clamp<std::int64_t>(query + shape.keys - shape.queries + 1, 0, shape.keys);
}

/// Calls body(part, unit) for every unit of [0, count); whichever thread is free takes the next.
template <class Body>
void take_in_turn(Backend& backend, std::int64_t count, const Body& body) {
    std::atomic<std::int64_t> next{0};
    as_cpu(backend).pool().run([&](int part) {
        for (std::int64_t unit = next.fetch_add(1); unit < count; unit = next.fetch_add(1)) body(part, unit);
    });
}

}  // namespace spectral::cpu
