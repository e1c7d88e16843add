// Contiguous parts of a range for operations that keep a count or a histogram for each: as many as there are
// threads, but no more than the range is worth.
#pragma once

#include <algorithm>

#include "kernels/cpu/backend.hpp"
#include "kernels/ops/blocks.hpp"

namespace spectral::cpu {

class Parts {
public:
    Parts(Backend& backend, std::int64_t size)
        : pool_(as_cpu(backend).pool()),
          size_(size),
          count_(std::min<std::int64_t>(pool_.size(), part_count(size))) {}

    std::int64_t count() const { return count_; }
    std::int64_t begin(std::int64_t part) const {
        return size_ / count_ * part + size_ % count_ * part / count_;
    }
    std::int64_t end(std::int64_t part) const { return begin(part + 1); }

    /// Calls body(part) for every part, in any thread.
    template <class Body>
    void each(const Body& body) const {
        if (count_ == 1)
            body(std::int64_t{0});
        else
            pool_.run([&](int part) {
                if (part < count_) body(std::int64_t{part});
            });
    }

private:
    ThreadPool& pool_;
    std::int64_t size_, count_;
};

/// counts[0..parts) become where each part's output begins; returns their sum.
inline std::int64_t exclusive_sum(std::int64_t* counts, std::int64_t parts) {
    std::int64_t sum = 0;
    for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t own = counts[part];
        counts[part] = sum;
        sum += own;
    }
    return sum;
}

/// Calls body(begin, end) for parts of [0, size), in any thread; in this one when there is little to do.
template <class Body>
void for_elements(Backend& backend, std::int64_t size, const Body& body) {
    constexpr std::int64_t kParallelSize = 16384;  // below, the hand-over costs more than it saves
    if (size < kParallelSize)
        body(std::int64_t{0}, size);
    else
        as_cpu(backend).pool().split(size,
                                     [&](int, std::int64_t begin, std::int64_t end) { body(begin, end); });
}

/// Calls body(b, begin, end) for every block of every row of a batch × size matrix, in any thread.
template <class Body>
void for_row_blocks(Backend& backend, std::int64_t batch, std::int64_t size, const Body& body) {
    const std::int64_t blocks = block_count(size);
    as_cpu(backend).pool().split(batch * blocks, [&](int, std::int64_t first, std::int64_t last) {
        for (std::int64_t at = first; at < last; ++at) {
            const std::int64_t b = at / blocks, begin = at % blocks * kBlockSize;
            body(b, begin, std::min(size, begin + kBlockSize));
        }
    });
}

}  // namespace spectral::cpu
