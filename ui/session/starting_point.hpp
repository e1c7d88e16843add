// A pattern that was evolved, and where a model has it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/core/tensor.hpp"
#include "engine/nn/learned_pattern.hpp"
#include "ui/session/run_record.hpp"

namespace spectral::ui {

struct StartingPoint {
    RunRecord::Snapshot snapshot;       ///< that it was taken from
    std::size_t matrix = 0;             ///< place among its matrices, one with an origin
    std::optional<std::int64_t> index;  ///< of the pattern; none: the whole matrix
    std::shared_ptr<const HostTensor> pattern;

    const PatternSnapshot::Matrix& from() const { return snapshot->matrices[matrix]; }
    /// Makes a spectrum where the parameter holds one: nothing for the GUI thread.
    ParameterPart part() const {
        const auto backend = open_backend("cpu", 1);
        MemoryBudget budget(available_memory());
        return part_of({*backend, budget}, from(), index, *pattern);
    }
};

}  // namespace spectral::ui
