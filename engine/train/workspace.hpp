// What the runs of one process share: the memory budget, the data sets that were loaded, their features.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "engine/core/memory_budget.hpp"
#include "engine/data/dataset.hpp"
#include "engine/data/features.hpp"

namespace spectral {

/// Features of both sets of a data set, in the memory of a backend that lives as long as they do. Every
/// backend of the same name and device can read them.
struct DatasetFeatures {
    std::shared_ptr<const Dataset> dataset;
    std::string feature, backend_name;
    std::unique_ptr<Backend> backend;  // before the matrices, whose memory is its
    FeatureMatrix train, test;
};

/// Thread-safe; one caller loads or computes at a time. Who waits for another is asked by `progress` whether
/// to go on waiting: Cancelled where not.
class Workspace {
public:
    static constexpr std::size_t kMaxDatasets = 2, kMaxFeatures = 2;

    MemoryBudget& budget() { return budget_; }

    /// The data set, loaded now or kept from before; the least recently used one beyond two is let go. A file
    /// that changed on the disk since is not noticed.
    std::shared_ptr<const Dataset> dataset(const std::string& name, const std::string& path,
                                           const Json& options, const Progress& progress);

    /// Computed now by `worker`, or kept from before. `backend` and `threads` name the backend that holds
    /// them, of the worker's device. Where memory is short, those that no run uses are let go.
    std::shared_ptr<const DatasetFeatures> features(const std::shared_ptr<const Dataset>& dataset,
                                                    const std::string& feature, const std::string& backend,
                                                    int threads, Backend& worker, const Progress& progress);

private:
    struct Entry {
        std::string name, path;
        Json options;
        std::shared_ptr<const Dataset> dataset;
    };

    std::unique_lock<std::mutex> take_turn(const Progress& progress);

    MemoryBudget budget_;  // before the data sets, which hold reservations
    std::mutex mutex_;
    std::list<Entry> entries_;                                    ///< most recently used first
    std::list<std::shared_ptr<const DatasetFeatures>> features_;  ///< most recently used first
};

}  // namespace spectral
