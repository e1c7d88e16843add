// The plans of a backend, counted in a budget. A backend makes one where an operation needs it and knows no
// budget, so they are counted after the fact.
#pragma once

#include <vector>

#include "engine/core/tensor.hpp"

namespace spectral {

/// In the backend's thread, like all calls of one.
class CountedPlans {
public:
    explicit CountedPlans(Device device) : device_(device) {}

    /// As they are now. What they take is under MemoryTag::plans from here on, where the library tells it.
    std::vector<PlanInfo> look();
    /// Lets all of them go.
    void clear();

private:
    Device device_;
    Reservation room_;
};

}  // namespace spectral
