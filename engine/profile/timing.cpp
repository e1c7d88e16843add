#include "engine/profile/timing.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace spectral {

namespace {

constexpr double kMinSampleSeconds = 1e-3;  ///< shorter ones would time the clock
constexpr double kLongCallSeconds = 1;      ///< from here on one call tells enough

}  // namespace

double time_call(Backend& backend, const std::function<void()>& call, double seconds, int samples,
                 const std::function<void()>& heed) {
    const auto calls = [&](std::int64_t count) {
        if (heed) heed();
        const std::int64_t start = backend.nanoseconds(backend.mark());
        for (std::int64_t i = 0; i < count; ++i) call();
        return 1e-9 * static_cast<double>(backend.nanoseconds(backend.mark()) - start);
    };
    std::int64_t count = 1;
    double taken = calls(count);
    if (taken >= std::max(seconds, kLongCallSeconds)) return taken;
    while (taken < kMinSampleSeconds && count < (1 << 20)) taken = calls(count *= 2);
    std::vector<double> measured;
    for (double total = 0; total < seconds || static_cast<int>(measured.size()) < samples;
         total += measured.back() * static_cast<double>(count))
        measured.push_back(calls(count) / static_cast<double>(count));
    const auto middle = measured.begin() + static_cast<std::ptrdiff_t>(measured.size() / 2);
    std::ranges::nth_element(measured, middle);
    return *middle;
}

}  // namespace spectral
