// The list of data sets, and turning stored values into model inputs.
#include "engine/data/dataset.hpp"

#include <cassert>
#include <utility>

#include "engine/data/idx.hpp"
#include "engine/data/strokes.hpp"
#include "engine/data/tones.hpp"

namespace spectral {
namespace {

DatasetInfo idx_info(std::string name, std::string title, std::string help,
                     Dataset (*load)(const DatasetRequest&)) {
    DatasetInfo info;
    info.name = std::move(name);
    info.title = std::move(title);
    info.help = std::move(help);
    info.needs_path = true;
    info.load = load;
    return info;
}

DatasetInfo generator_info(std::string name, std::string title, std::string help, Schema schema,
                           Dataset (*load)(const DatasetRequest&), DatasetShape (*shape)(const Json&)) {
    DatasetInfo info;
    info.name = std::move(name);
    info.title = std::move(title);
    info.help = std::move(help);
    info.schema = std::move(schema);
    info.load = load;
    info.shape = shape;
    return info;
}

}  // namespace

void Samples::read(std::int64_t first, std::int64_t samples, float* out) const {
    assert(first >= 0 && samples >= 0 && first + samples <= count());
    const auto size = static_cast<std::size_t>(shape.size());
    const std::size_t begin = static_cast<std::size_t>(first) * size;
    const std::size_t total = static_cast<std::size_t>(samples) * size;
    std::visit(
        [&](const auto& stored) {
            assert(begin + total <= stored.size());
            const auto* in = stored.data() + begin;
            for (std::size_t i = 0; i < total; ++i) out[i] = static_cast<float>(in[i]) * scale + offset;
        },
        values);
}

const std::vector<DatasetInfo>& dataset_registry() {
    static const std::vector<DatasetInfo> registry{
        generator_info("strokes", "Strokes",
                       "Generated 28×28 images of handwritten-looking digits; needs no files.",
                       strokes_schema(), load_strokes, strokes_shape),
        generator_info("tones", "Tones",
                       "Generated one-dimensional signals, each class a chord of its own in white noise; "
                       "needs no files.",
                       tones_schema(), load_tones, tones_shape),
        idx_info("mnist", "MNIST",
                 "The MNIST digits, or any set of the same form such as Fashion-MNIST, from a directory of "
                 "IDX files (gzip or not).",
                 load_mnist),
        idx_info(
            "idx", "IDX files",
            "Labelled bytes of rank 1 to 3 from a directory with train- and t10k- IDX files (gzip or not).",
            load_idx),
    };
    return registry;
}

const DatasetInfo& find_dataset(std::string_view name) {
    std::string known;
    for (const DatasetInfo& info : dataset_registry()) {
        if (info.name == name) return info;
        known += (known.empty() ? "" : ", ") + info.name;
    }
    throw Error("data set '" + std::string(name) + "'", "there is no data set of this name",
                "Choose one of: " + known + ".");
}

Dataset load_dataset(std::string_view name, DatasetRequest request) {
    const DatasetInfo& info = find_dataset(name);
    const std::string owner = "data set " + info.name;
    if (info.needs_path && request.path.empty()) {
        throw Error(owner, "is read from a directory, and none was given",
                    "Give the directory (--data DIR).");
    }
    if (!info.needs_path && !request.path.empty()) {
        throw Error(owner, "is generated and reads no files, but --data '" + request.path + "' was given",
                    "Leave --data out, or choose a data set that is read from a directory.");
    }
    request.options = complete(info.schema, request.options, owner);
    Dataset dataset = info.load(request);
    dataset.name = info.name;
    return dataset;
}

}  // namespace spectral
