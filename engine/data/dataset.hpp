// Labelled signals, split into training and test sets. Text is such a set too: a signal is a window of
// tokens, its label the token that follows.
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
#include "engine/data/tokens.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

/// Signals of one shape, as stored (bytes, floats or tokens), and a label for each. Windows of tokens have
/// the shape context × vocabulary: read() gives them one-hot; who wants the integers takes them from the
/// windows.
struct Samples {
    SignalShape shape;
    std::variant<std::vector<std::uint8_t>, std::vector<float>, TokenWindows> values;
    float scale = 1, offset = 0;  ///< model input = stored · scale + offset
    std::vector<std::int32_t> labels;
    Reservation reservation;  ///< of values and labels

    std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
    /// Writes `count` model inputs (count × shape.size() floats) starting at sample `first`.
    void read(std::int64_t first, std::int64_t count, float* out) const;
    /// Null where the signals are no tokens.
    const TokenWindows* tokens() const { return std::get_if<TokenWindows>(&values); }
};

/// Room for `count` samples of `sample_bytes` and their labels. Throws Error when the samples are more than a
/// set may hold (4 GiB).
Reservation reserve_samples(MemoryBudget* budget, std::int64_t count, std::int64_t sample_bytes,
                            std::string_view holder);

struct Dataset {
    std::string name;
    Samples train, test;
    std::vector<std::string> class_names;
    Vocabulary vocabulary;  ///< of a set of tokens, whose classes it is; empty otherwise
    std::string sha256;     ///< of what it was read from, or of the generator's name, version and options

    /// "character" or "byte" where the classes are tokens, else empty.
    std::string token_unit() const {
        return vocabulary.size() > 0 ? std::string(vocabulary.unit_name()) : std::string();
    }
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

/// What --data may name.
enum class DataPath { none, directory, file, either };

struct DatasetInfo {
    std::string name;   ///< "mnist"
    std::string title;  ///< "MNIST"
    std::string help;
    DataPath path = DataPath::none;
    std::string path_help;  ///< "a directory of IDX files"
    Schema schema;
    Dataset (*load)(const DatasetRequest&) = nullptr;
    /// Known from completed options alone; null where the files tell.
    DatasetShape (*shape)(const Json& options) = nullptr;

    bool needs_path() const { return path != DataPath::none; }
};

const std::vector<DatasetInfo>& dataset_registry();

/// Throws Error that lists the known ones.
const DatasetInfo& find_dataset(std::string_view name);

/// Throws Error where a path is missing, or given to a generator.
void require_data_path(const DatasetInfo& info, const std::string& path);

/// Options are completed and checked against the schema; throws Error naming file or option.
Dataset load_dataset(std::string_view name, DatasetRequest request);

}  // namespace spectral
