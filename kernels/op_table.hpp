// The operations of one backend: name and level -> implementation. Keyed by name, because type identity
// does not survive a module opened at run time; typed again at the edge.
#pragma once

#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.hpp"
#include "kernels/types.hpp"

namespace spectral {

class Backend;

class OpTable {
public:
    template <class Op>
    using Function = void (*)(Backend&, const Op&);

    /// `change`: one sentence on what this level does differently from the one below. Every operation has a
    /// level that does not round its inputs.
    template <class Op>
    void add(Level level, Function<Op> function, std::string_view change) {
        entries_[std::string(Op::name)][level] = {reinterpret_cast<Erased>(function), level, change};
    }

    template <class Op>
    struct Found {
        Function<Op> function;
        Level level;  ///< the one asked for, or what `best` is
    };

    /// Throws Error when the backend has no such operation or level.
    template <class Op>
    Found<Op> find(Level level) const {
        const Entry& entry = lookup(Op::name, level);
        return {reinterpret_cast<Function<Op>>(entry.function), entry.level};
    }

    std::vector<std::string> names() const {
        std::vector<std::string> result;
        for (const auto& [name, levels] : entries_) result.push_back(name);
        return result;
    }

    /// Ascending; empty when the operation is unknown.
    std::vector<Level> levels(std::string_view name) const {
        std::vector<Level> result;
        if (auto found = entries_.find(name); found != entries_.end())
            for (const auto& [level, entry] : found->second) result.push_back(level);
        return result;
    }

    bool has(std::string_view name, Level level) const {
        const auto found = entries_.find(name);
        return found != entries_.end() && found->second.contains(level);
    }

    std::string_view change(std::string_view name, Level level) const { return lookup(name, level).change; }

private:
    using Erased = void (*)();
    struct Entry {
        Erased function = nullptr;
        Level level = Level::reference;
        std::string_view change;
    };

    const Entry& lookup(std::string_view name, Level level) const {
        const auto found = entries_.find(name);
        if (found == entries_.end()) throw Error(std::string(name), "the backend has no such operation");
        const auto& levels = found->second;
        if (level == Level::best) return std::prev(levels.upper_bound(Level::custom))->second;
        const auto entry = levels.find(level);
        if (entry == levels.end())
            throw Error(std::string(name),
                        "the backend has no level '" + std::string(level_name(level)) + "'");
        return entry->second;
    }

    std::map<std::string, std::map<Level, Entry>, std::less<>> entries_;
};

}  // namespace spectral
