// Durations counted in buckets of equal ratio: quantiles in constant memory, whatever the number of calls.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace spectral {

/// Sixteen buckets an octave from 1 ns to 2^40 ns (18 minutes): a quantile is exact to 4.5 %.
class DurationHistogram {
public:
    void add(std::int64_t nanoseconds) {
        ++counts_[bucket(nanoseconds)];
        ++count_;
    }
    std::int64_t count() const { return count_; }

    /// `share` in [0, 1]: 0.5 is the median. 0 when nothing was added.
    double quantile(double share) const {
        if (count_ == 0) return 0;
        auto left =
            static_cast<std::int64_t>(std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_)));
        left = std::max<std::int64_t>(left, 1);
        std::size_t i = 0;
        while (i + 1 < counts_.size() && (left -= counts_[i]) > 0) ++i;
        return middle(i);
    }

private:
    static constexpr int kSubBits = 4, kOctaves = 40;

    static std::size_t bucket(std::int64_t nanoseconds) {
        const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 1));
        const auto octave = static_cast<int>(std::bit_width(value)) - 1;
        if (octave >= kOctaves) return (std::size_t{kOctaves} << kSubBits) - 1;
        const std::uint64_t fraction =
            octave >= kSubBits ? value >> (octave - kSubBits) : value << (kSubBits - octave);
        return (static_cast<std::size_t>(octave) << kSubBits) + (fraction & ((1U << kSubBits) - 1));
    }

    /// The geometric middle of a bucket.
    static double middle(std::size_t index) {
        const auto octave = static_cast<int>(index >> kSubBits);
        const auto step = static_cast<double>(index & ((1U << kSubBits) - 1));
        constexpr double kSteps = 1 << kSubBits;
        return std::ldexp(std::sqrt((1 + step / kSteps) * (1 + (step + 1) / kSteps)), octave);
    }

    std::array<std::int64_t, std::size_t{kOctaves} << kSubBits> counts_{};
    std::int64_t count_ = 0;
};

}  // namespace spectral
