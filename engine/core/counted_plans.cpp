#include "engine/core/counted_plans.hpp"

namespace spectral {

std::vector<PlanInfo> CountedPlans::look() {
    std::vector<PlanInfo> plans = device_.backend.cached_plans();
    std::size_t bytes = 0;
    for (const PlanInfo& plan : plans) bytes += plan.bytes.value_or(0);
    if (bytes != room_.bytes()) {
        room_ = {};  // first: both at once would be a peak that never was
        room_ = device_.budget.count(MemoryTag::plans, bytes, "plan cache");
    }
    return plans;
}

void CountedPlans::clear() {
    device_.backend.clear_plans();
    look();
}

}  // namespace spectral
