// A backend of one's own, for work beside the runs of the same process.
#pragma once

#include <memory>
#include <string_view>

#include "engine/core/tensor.hpp"

namespace spectral {

/// Opens the backend on construction, on the thread that will use it; throws Error as open_backend().
class OwnDevice {
public:
    /// `budget` outlives it and may be shared with other devices.
    OwnDevice(std::string_view backend, MemoryBudget& budget)
        : backend_(open_backend(backend)), budget_(budget) {}

    Device get() const { return {*backend_, budget_}; }

private:
    std::unique_ptr<Backend> backend_;
    MemoryBudget& budget_;
};

}  // namespace spectral
