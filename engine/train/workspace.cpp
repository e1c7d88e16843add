#include "engine/train/workspace.hpp"

#include <algorithm>
#include <utility>

namespace spectral {

std::shared_ptr<const Dataset> Workspace::dataset(const std::string& name, const std::string& path,
                                                  const Json& options, const Progress& progress) {
    const std::lock_guard lock(mutex_);
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

}  // namespace spectral
