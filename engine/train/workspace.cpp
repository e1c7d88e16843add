#include "engine/train/workspace.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "engine/core/error.hpp"

namespace spectral {

namespace {

/// How long a cancelled load that waits for another one may still hold up its caller.
constexpr std::chrono::milliseconds kPatience{20};

}  // namespace

std::unique_lock<std::mutex> Workspace::take_turn(const Progress& progress) {
    std::unique_lock lock(mutex_, std::try_to_lock);
    while (!lock.owns_lock()) {
        report(progress, "waiting for other data", 0);
        std::this_thread::sleep_for(kPatience);
        static_cast<void>(lock.try_lock());
    }
    return lock;
}

std::shared_ptr<const Dataset> Workspace::dataset(const std::string& name, const std::string& path,
                                                  const Json& options, const Progress& progress) {
    const auto turn = take_turn(progress);
    const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
        return entry.name == name && entry.path == path && entry.options == options;
    });
    if (found != entries_.end()) {
        entries_.splice(entries_.begin(), entries_, found);
        return entries_.front().dataset;
    }
    while (entries_.size() >= kMaxDatasets) entries_.pop_back();
    auto dataset = std::make_shared<const Dataset>(load_dataset(name, {path, options, &budget_, progress}));
    entries_.push_front({name, path, options, dataset});
    return dataset;
}

std::shared_ptr<const DatasetFeatures> Workspace::features(const std::shared_ptr<const Dataset>& dataset,
                                                           const std::string& feature,
                                                           const std::string& backend, int threads,
                                                           Backend& worker, const Progress& progress) {
    const auto turn = take_turn(progress);
    auto made = std::make_shared<DatasetFeatures>();
    made->dataset = dataset;
    made->feature = feature;
    made->backend = open_backend(backend, threads);
    made->backend_name = std::string(made->backend->name()) + " " + made->backend->device();
    const auto found = std::ranges::find_if(features_, [&](const auto& each) {
        return each->dataset == dataset && each->feature == feature &&
               each->backend_name == made->backend_name;
    });
    if (found != features_.end()) {
        features_.splice(features_.begin(), features_, found);
        return features_.front();
    }
    while (features_.size() >= kMaxFeatures) features_.pop_back();
    const auto compute = [&] {
        const auto compute_set = [&](const Samples& samples, FeatureMatrix& matrix, const char* what) {
            matrix = make_features({*made->backend, budget_}, samples, feature, what);
            made->backend->synchronize();  // the worker's queue is another one
            fill_features({worker, budget_}, samples, feature, matrix, what, progress);
        };
        compute_set(dataset->train, made->train, "training features");
        compute_set(dataset->test, made->test, "test features");
    };
    try {
        compute();
    } catch (const OutOfMemory&) {
        made->train = {};
        made->test = {};
        const std::size_t before = features_.size();
        features_.remove_if([](const auto& each) { return each.use_count() == 1; });
        if (features_.size() == before) throw;
        compute();
    }
    features_.push_front(made);
    return made;
}

}  // namespace spectral
