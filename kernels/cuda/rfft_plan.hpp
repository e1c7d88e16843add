// How a block transforms real rows in shared memory: the radices of a Stockham transform, its tables and
// buffers, rows and threads of a block. Plain values, passed to the kernel as they are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spectral::cuda {

/// i / value as (i · reciprocal) >> 31, exact for i · value < 2^31.
struct Divisor {
    std::uint32_t value = 1, reciprocal = (std::uint32_t{1} << 31) + 1;
};
Divisor divisor(int value);

/// One pass over a row: butterfly j takes points j + q · butterflies, which are outputs of transforms of
/// `before` points, and makes outputs of transforms of `before` · radix points.
struct FftPass {
    int radix = 1;
    int before = 1;            ///< product of the radices of earlier passes
    Divisor by_butterflies{};  ///< of one row: points / radix
    Divisor by_before{};
};

/// A row of an even number of samples is transformed as half as many complex points, another as it is.
struct RfftPlan {
    static constexpr int kMostPasses = 9;      ///< of 2^15 points: 3^9 are fewer, 3^10 are more
    static constexpr int kMostThreads = 1024;  ///< of a block: 64 registers for each
    static constexpr int kBankShift = 4;       ///< a padded buffer leaves one of 17 points free

    int samples = 0;
    int points = 0;
    bool packed = false;  ///< two samples in a point
    bool padded = false;  ///< strides of powers of two only would all meet in a few banks of shared memory
    int passes = 0;       ///< 0: there is no plan
    FftPass pass[kMostPasses];
    Divisor by_pairs{};  ///< of frequencies k and points − k in a row: points / 2 + 1

    int rows = 1;                  ///< of a block at a time
    int threads = 0;               ///< of a block
    int buffer_points = 0;         ///< of each of the two buffers
    std::size_t shared_bytes = 0;  ///< twiddle factors of all passes, those that unpack, two buffers
};

/// `shared_bytes`: what a block can have. No plan where `samples` has a prime factor above 13, or a row does
/// not fit.
RfftPlan rfft_plan(std::int64_t samples, std::size_t shared_bytes);

}  // namespace spectral::cuda
