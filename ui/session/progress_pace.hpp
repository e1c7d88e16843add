// Progress at the pace of the eye: some work reports thousands of times a second, and the GUI thread would
// still be showing it when the work is long over.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace spectral::ui {

class ProgressPace {
public:
    /// Whether to show it now: something else is being done, or the last time was a while ago.
    bool is_due(std::string_view what) {
        constexpr auto kApart = std::chrono::milliseconds(30);
        const auto now = std::chrono::steady_clock::now();
        if (what == what_ && now < next_) return false;
        what_ = what;
        next_ = now + kApart;
        return true;
    }

private:
    std::string what_;
    std::chrono::steady_clock::time_point next_{};
};

}  // namespace spectral::ui
