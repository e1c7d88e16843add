// What the runs of one process share: the memory budget and the data sets that were loaded.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "engine/core/memory_budget.hpp"
#include "engine/data/dataset.hpp"

namespace spectral {

/// Thread-safe.
class Workspace {
public:
    static constexpr std::size_t kMaxDatasets = 2;

    MemoryBudget& budget() { return budget_; }

    /// The data set, loaded now or kept from before; the least recently used one beyond two is let go. A file
    /// that changed on the disk since is not noticed.
    std::shared_ptr<const Dataset> dataset(const std::string& name, const std::string& path,
                                           const Json& options, const Progress& progress);

private:
    struct Entry {
        std::string name, path;
        Json options;
        std::shared_ptr<const Dataset> dataset;
    };

    MemoryBudget budget_;  // before the data sets, which hold reservations
    std::mutex mutex_;
    std::list<Entry> entries_;  ///< most recently used first
};

}  // namespace spectral
