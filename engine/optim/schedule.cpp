#include "engine/optim/schedule.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/core/error.hpp"

namespace spectral {

const std::vector<std::string>& schedule_names() {
    static const std::vector<std::string> names{"constant", "cosine"};
    return names;
}

double schedule_factor(std::string_view schedule, double progress) {
    if (schedule == "constant") return 1;
    if (schedule == "cosine") return (1 + std::cos(std::numbers::pi * std::min(progress, 1.0))) / 2;
    throw Error(fmt::format("schedule '{}'", schedule), "unknown",
                fmt::format("known: {}", fmt::join(schedule_names(), ", ")));
}

}  // namespace spectral
