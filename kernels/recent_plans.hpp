// Plans of a library's or our own, made once per key and kept while they are in use.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>

namespace spectral {

/// At most `most` plans; the least recently used goes first.
template <class Key, class Plan, std::size_t most>
class RecentPlans {
public:
    struct Entry {
        Key key;
        std::shared_ptr<const Plan> plan;
        std::uint64_t uses = 0;
    };

    /// The plan of `key`, for one more use; null where none is kept.
    std::shared_ptr<const Plan> find(const Key& key) {
        const auto found = std::ranges::find(entries_, key, &Entry::key);
        if (found == entries_.end()) return nullptr;
        entries_.splice(entries_.begin(), entries_, found);
        ++found->uses;
        return found->plan;
    }
    /// Of a key that has none, for its first use; lets go of the oldest where there are too many.
    void keep(const Key& key, std::shared_ptr<const Plan> plan) {
        entries_.push_front({key, std::move(plan), 1});
        if (entries_.size() > most) entries_.pop_back();
    }
    /// The plan of `key`, from `make()` where none is kept; what that throws leaves all as it was.
    template <class Make>
    std::shared_ptr<const Plan> get(const Key& key, Make&& make) {
        std::shared_ptr<const Plan> plan = find(key);
        if (!plan) keep(key, plan = make());
        return plan;
    }

    // Most recently used first.
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }
    std::size_t size() const { return entries_.size(); }
    void clear() { entries_.clear(); }

private:
    std::list<Entry> entries_;
};

}  // namespace spectral
