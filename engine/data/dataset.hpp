// Labelled signals, split into training and test sets.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/core/memory_budget.hpp"
#include "engine/core/progress.hpp"
#include "engine/core/schema.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

/// Signals of one shape, as stored (bytes or floats), and a label for each.
struct Samples {
    SignalShape shape;
    std::variant<std::vector<std::uint8_t>, std::vector<float>> values;
    float scale = 1, offset = 0;  ///< model input = stored · scale + offset
    std::vector<std::int32_t> labels;
    Reservation reservation;  ///< of values and labels

    std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
    /// Writes `count` model inputs (count × shape.size() floats) starting at sample `first`.
    void read(std::int64_t first, std::int64_t count, float* out) const;
};

struct Dataset {
    std::string name;
    Samples train, test;
    std::vector<std::string> class_names;
    std::string sha256;  ///< of what it was read from, or of the generator's name, version and options

    std::int64_t classes() const { return static_cast<std::int64_t>(class_names.size()); }
};

struct DatasetRequest {
    std::string path;  ///< --data; empty for generators
    Json options = Json::object();
    MemoryBudget* budget = nullptr;
    Progress progress;
};

struct DatasetShape {
    SignalShape signal;
    std::int64_t classes = 0;
};

struct DatasetInfo {
    std::string name;   ///< "mnist"
    std::string title;  ///< "MNIST"
    std::string help;
    bool needs_path = false;
    Schema schema;
    Dataset (*load)(const DatasetRequest&) = nullptr;
    /// Known from completed options alone; null where the files tell.
    DatasetShape (*shape)(const Json& options) = nullptr;
};

const std::vector<DatasetInfo>& dataset_registry();

/// Throws Error that lists the known ones.
const DatasetInfo& find_dataset(std::string_view name);

/// Options are completed and checked against the schema; throws Error naming file or option.
Dataset load_dataset(std::string_view name, DatasetRequest request);

}  // namespace spectral
