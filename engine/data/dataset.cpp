// The list of data sets, and turning stored values into model inputs.
#include "engine/data/dataset.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "engine/data/arrays.hpp"
#include "engine/data/cifar.hpp"
#include "engine/data/idx.hpp"
#include "engine/data/images.hpp"
#include "engine/data/speech.hpp"
#include "engine/data/strokes.hpp"
#include "engine/data/text.hpp"
#include "engine/data/tones.hpp"

namespace spectral {
namespace {

DatasetInfo file_info(std::string name, std::string title, std::string help, DataPath path,
                      std::string path_help, Schema schema, Dataset (*load)(const DatasetRequest&)) {
    DatasetInfo info;
    info.name = std::move(name);
    info.title = std::move(title);
    info.help = std::move(help);
    info.path = path;
    info.path_help = std::move(path_help);
    info.schema = std::move(schema);
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

template <class Number>
void read_numbers(const std::vector<Number>& stored, const Samples& samples, std::size_t begin,
                  std::size_t total, float* out) {
    assert(begin + total <= stored.size());
    const Number* in = stored.data() + begin;
    for (std::size_t i = 0; i < total; ++i)
        out[i] = static_cast<float>(in[i]) * samples.scale + samples.offset;
}

void read_one_hot(const TokenWindows& windows, std::int64_t first, std::int64_t count, float* out) {
    std::fill_n(out, count * windows.context * windows.vocabulary, 0.0F);
    for (std::int64_t i = first; i < first + count; ++i) {
        for (const std::int32_t token : windows.window(i)) {
            out[token] = 1;
            out += windows.vocabulary;
        }
    }
}

}  // namespace

void Samples::read(std::int64_t first, std::int64_t samples, float* out) const {
    assert(first >= 0 && samples >= 0 && first + samples <= count());
    const auto size = static_cast<std::size_t>(shape.size());
    const std::size_t begin = static_cast<std::size_t>(first) * size;
    const std::size_t total = static_cast<std::size_t>(samples) * size;
    if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&values))
        read_numbers(*bytes, *this, begin, total, out);
    else if (const auto* floats = std::get_if<std::vector<float>>(&values))
        read_numbers(*floats, *this, begin, total, out);
    else
        read_one_hot(std::get<TokenWindows>(values), first, samples, out);
}

Reservation reserve_samples(MemoryBudget* budget, std::int64_t count, std::int64_t sample_bytes,
                            std::string_view holder) {
    constexpr std::int64_t kMaximumBytes = std::int64_t{4} << 30;
    if (count > kMaximumBytes / sample_bytes) {
        throw Error(
            std::string(holder),
            fmt::format("{} samples of {} bytes are more than a set may hold (4 GiB)", count, sample_bytes),
            "Take fewer or smaller samples.");
    }
    const std::int64_t with_label = sample_bytes + static_cast<std::int64_t>(sizeof(std::int32_t));
    return budget ? budget->reserve(MemoryTag::data, static_cast<std::size_t>(count * with_label), holder)
                  : Reservation{};
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
        file_info("mnist", "MNIST",
                  "The MNIST digits, or any set of the same form such as Fashion-MNIST, from a directory of "
                  "IDX files (gzip or not).",
                  DataPath::directory, "a directory of IDX files", {}, load_mnist),
        file_info(
            "idx", "IDX files",
            "Labelled bytes of rank 1 to 3 from a directory with train- and t10k- IDX files (gzip or not).",
            DataPath::directory, "a directory of IDX files", {}, load_idx),
        file_info(
            "cifar10", "CIFAR-10",
            "Colour images of 32 × 32 pixels in ten classes, from the batches of CIFAR-10's binary version: "
            "a directory, or a tar archive (gzip or not).",
            DataPath::either, "a directory or tar archive of .bin batches", cifar10_schema(), load_cifar10),
        file_info("images", "Images",
                  "PNG and JPEG pictures in one folder for each class: a directory, or a tar archive (gzip "
                  "or not).",
                  DataPath::either, "a directory or tar archive of pictures", images_schema(), load_images),
        file_info("npy", "NumPy arrays",
                  "Features and labels from an .npz archive, or from a directory of .npy files.",
                  DataPath::either, "an .npz file or a directory of .npy files", arrays_schema(), load_npy),
        file_info("hdf5", "HDF5", "Features and labels from the datasets of an HDF5 file.", DataPath::file,
                  "an HDF5 file", arrays_schema(), load_hdf5),
        file_info("speech", "Spoken digits",
                  "Recordings named {digit}_{speaker}_{index}.wav, such as the Free Spoken Digit Dataset: a "
                  "directory, or a tar archive (gzip or not). Index 0 to 4 is for testing.",
                  DataPath::either, "a directory or tar archive of WAV files", speech_schema(), load_speech),
        file_info("text", "Text",
                  "The next character of a text file, from the characters before it; the file's head is for "
                  "training, its tail for testing.",
                  DataPath::file, "a text file", text_schema(), load_text),
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

void require_data_path(const DatasetInfo& info, const std::string& path) {
    if (info.needs_path() && path.empty())
        throw Error("data set '" + info.name + "'", "is read from " + info.path_help + ", and none was given",
                    "Give it with --data.");
    if (!info.needs_path() && !path.empty())
        throw Error("data set '" + info.name + "'",
                    "is generated and reads no files, but --data '" + path + "' was given",
                    "Leave --data out, or choose a data set that is read from files.");
}

Dataset load_dataset(std::string_view name, DatasetRequest request) {
    const DatasetInfo& info = find_dataset(name);
    const std::string owner = "data set " + info.name;
    require_data_path(info, request.path);
    request.options = complete(info.schema, request.options, owner);
    Dataset dataset = info.load(request);
    dataset.name = info.name;
    return dataset;
}

}  // namespace spectral
