// IDX: 0, 0, type, rank, rank big-endian u32 extents, values in row-major order.
#include "engine/data/idx.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/io/decoded_file.hpp"

namespace spectral {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t kUnsignedByte = 0x08;
constexpr std::size_t kMaximumIdxRank = 4;
constexpr std::size_t kChunkBytes = std::size_t{1} << 18;

// MNIST's mean and standard deviation, of pixels in [0, 1].
constexpr float kMean = 0.1307F, kDeviation = 0.3081F;

constexpr const char* kFetchAgain = "Download or copy the file again.";

[[noreturn]] void fail(const fs::path& path, std::string why, std::string hint) {
    throw Error(path.string(), std::move(why), std::move(hint));
}

std::string_view type_name(std::uint8_t type) {
    switch (type) {
        case 0x08:
            return "unsigned bytes";
        case 0x09:
            return "signed bytes";
        case 0x0B:
            return "16-bit integers";
        case 0x0C:
            return "32-bit integers";
        case 0x0D:
            return "32-bit floats";
        case 0x0E:
            return "64-bit floats";
        default:
            return {};
    }
}

/// Reads and checks the header; returns how many values must follow.
std::uint64_t read_header(DecodedFile& source, const fs::path& path, std::vector<std::int64_t>& extents,
                          Sha256* hash) {
    std::array<std::uint8_t, 4 + 4 * kMaximumIdxRank> header{};
    const auto need = [&](std::size_t first, std::size_t bytes) {
        const std::size_t got = source.read(std::span(header).subspan(first, bytes));
        if (got != bytes) {
            fail(path, fmt::format("is truncated: the header ends after {} bytes", first + got), kFetchAgain);
        }
        if (hash) hash->update(std::as_bytes(std::span(header).subspan(first, bytes)));
    };
    need(0, 4);
    const std::uint8_t type = header[2];
    const std::size_t rank = header[3];
    if (header[0] != 0 || header[1] != 0 || type_name(type).empty() || rank == 0) {
        fail(path,
             fmt::format("is no IDX file: it starts with {:02x} {:02x} {:02x} {:02x}", header[0], header[1],
                         header[2], header[3]),
             "An IDX file of images starts with 00 00 08 03, one of labels with 00 00 08 01.");
    }
    if (type != kUnsignedByte) {
        fail(path,
             fmt::format("holds {} (IDX type 0x{:02x}); only unsigned bytes can be read", type_name(type),
                         type),
             "Write the file again with values of type 0x08.");
    }
    if (rank > kMaximumIdxRank) {
        fail(path, fmt::format("has {} dimensions; at most {} can be read", rank, kMaximumIdxRank),
             "Write the samples with one to three dimensions.");
    }
    need(4, 4 * rank);

    std::uint64_t total = 1;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        std::uint64_t extent = 0;
        for (std::size_t i = 0; i < 4; ++i) extent = extent << 8 | header[4 + 4 * axis + i];
        if (extent == 0)
            fail(path, "is empty: one of its extents is 0", "Give a file with at least one sample.");
        // Both factors are below 2^33, so the product cannot wrap before it is compared.
        total *= extent;
        if (total > kIdxMaximumBytes) {
            fail(path, "promises more than 4 GiB of values",
                 "Split the set, or check that this is the right file.");
        }
        extents.push_back(static_cast<std::int64_t>(extent));
    }
    return total;
}

/// An image or label file under any of its usual names; throws Error when there is none.
fs::path find_file(const fs::path& directory, std::string_view stem, std::span<const int> ranks) {
    std::error_code error;
    for (const int rank : ranks) {
        for (const char separator : {'-', '.'}) {
            for (const std::string_view ending : {"", ".gz"}) {
                fs::path path = directory / fmt::format("{}{}idx{}-ubyte{}", stem, separator, rank, ending);
                if (fs::exists(path, error)) return path;
            }
        }
    }
    fail(directory / fmt::format("{}-idx{}-ubyte", stem, ranks[0]),
         "there is no such file, with or without .gz",
         "The directory must hold train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte "
         "and "
         "t10k-labels-idx1-ubyte.");
}

struct Paths {
    fs::path images, labels;
};

Paths find_set(const fs::path& directory, const std::string& prefix) {
    static constexpr std::array kImageRanks{3, 2, 4};
    static constexpr std::array kLabelRanks{1};
    return {find_file(directory, prefix + "-images", kImageRanks),
            find_file(directory, prefix + "-labels", kLabelRanks)};
}

Samples read_set(const Paths& paths, const DatasetRequest& request, Sha256& hash) {
    IdxArray images = read_idx(paths.images, request.budget, &hash, request.progress);
    if (images.extents.size() < 2) {
        fail(paths.images, "has one dimension, as a file of labels has; images have two to four",
             "Check that the image and label files are not exchanged.");
    }
    const IdxArray labels = read_idx(paths.labels, request.budget, &hash, request.progress);
    if (labels.extents.size() != 1) {
        fail(paths.labels, fmt::format("has {} dimensions; labels have one", labels.extents.size()),
             "Check that the image and label files are not exchanged.");
    }
    if (images.extents[0] != labels.extents[0]) {
        fail(paths.labels,
             fmt::format("holds {} labels, but {} holds {} samples", labels.extents[0],
                         paths.images.filename().string(), images.extents[0]),
             "Take both files from the same data set.");
    }
    Samples samples;
    samples.shape.rank = static_cast<int>(images.extents.size()) - 1;
    std::copy(images.extents.begin() + 1, images.extents.end(), samples.shape.extent.begin());
    samples.values = std::move(images.values);
    samples.scale = 1.0F / (255.0F * kDeviation);
    samples.offset = -kMean / kDeviation;
    samples.reservation = std::move(images.reservation);
    samples.reservation.grow(labels.values.size() * sizeof(std::int32_t));
    samples.labels.assign(labels.values.begin(), labels.values.end());
    return samples;
}

std::string shape_text(const SignalShape& shape) {
    std::string text;
    for (int axis = 0; axis < shape.rank; ++axis) {
        text += fmt::format("{}{}", axis > 0 ? " × " : "", shape.extent[static_cast<std::size_t>(axis)]);
    }
    return text;
}

}  // namespace

IdxArray read_idx(const fs::path& path, MemoryBudget* budget, Sha256* hash, const Progress& progress) {
    const std::string name = path.filename().string();
    try {
        DecodedFile source(path);
        IdxArray array;
        const std::uint64_t promised = read_header(source, path, array.extents, hash);
        const std::uint64_t whole = 4 + 4 * array.extents.size() + promised;
        const auto truncated = [&](std::uint64_t values) {
            fail(path,
                 fmt::format("is truncated: its header promises {} values and {} follow", promised, values),
                 kFetchAgain);
        };
        const auto too_long = [&] {
            fail(path,
                 fmt::format("is too long: more follows the {} values that its header promises", promised),
                 "Download or copy the file again, or check that this is the right file.");
        };
        if (!source.gzip()) {
            if (source.file_bytes() < whole) truncated(source.file_bytes() - (whole - promised));
            if (source.file_bytes() > whole) too_long();
        } else if (whole / kMaximumExpansion > source.file_bytes()) {
            fail(path,
                 fmt::format(
                     "is truncated: {} compressed bytes cannot hold the {} values that its header promises",
                     source.file_bytes(), promised),
                 kFetchAgain);
        }

        if (budget)
            array.reservation = budget->reserve(MemoryTag::data, static_cast<std::size_t>(promised), name);
        array.values.resize(static_cast<std::size_t>(promised));
        const std::string what = "reading " + name;
        for (std::size_t done = 0; done < array.values.size();) {
            report(progress, what, static_cast<double>(done) / static_cast<double>(promised));
            const auto chunk =
                std::span(array.values).subspan(done, std::min(kChunkBytes, array.values.size() - done));
            const std::size_t got = source.read(chunk);
            if (hash) hash->update(std::as_bytes(chunk.first(got)));
            done += got;
            if (got != chunk.size()) truncated(done);
        }
        // Also lets inflate see the checksum at the end.
        std::uint8_t beyond = 0;
        if (source.read(std::span(&beyond, 1)) != 0) too_long();
        report(progress, what, 1.0);
        return array;
    } catch (const std::bad_alloc&) {
        fail(path, "the machine has no memory left for it", "Close other programs or take a smaller set.");
    }
}

namespace {

/// Throws when a label is larger than `largest`.
void require_labels_up_to(std::int32_t largest, const Samples& samples, const fs::path& file,
                          const std::string& why) {
    const auto beyond = std::ranges::find_if(samples.labels, [&](auto label) { return label > largest; });
    if (beyond == samples.labels.end()) return;
    fail(file,
         fmt::format("label {} of sample {} is out of range: {}", *beyond, beyond - samples.labels.begin(),
                     why),
         "Take all files from the same data set, and fetch this one again if it is damaged.");
}

/// A gap below the largest label is a damaged byte far more often than a class without samples; only counting
/// from 1 is usual.
void require_every_class(const Samples& samples, std::int32_t largest, const fs::path& file) {
    std::vector<bool> seen(static_cast<std::size_t>(largest) + 1, false);
    for (const std::int32_t label : samples.labels) seen[static_cast<std::size_t>(label)] = true;
    for (std::int32_t label = 1; label < largest; ++label)
        if (!seen[static_cast<std::size_t>(label)])
            require_labels_up_to(label, samples, file, fmt::format("no sample has label {}", label));
}

/// `known_largest`: the data set's largest label where its name tells, else a negative number.
Dataset load(const DatasetRequest& request, std::int32_t known_largest) {
    const fs::path directory = request.path;
    std::error_code error;
    const fs::file_status status = fs::status(directory, error);
    if (!fs::exists(status)) {
        fail(directory, "there is no such directory",
             "Give the directory that holds the IDX files (--data DIR).");
    }
    if (!fs::is_directory(status)) {
        fail(directory, "is not a directory", "Give the directory that holds the IDX files (--data DIR).");
    }
    // All four are looked for before the first is read: a missing one is told at once.
    const Paths train = find_set(directory, "train");
    const Paths test = find_set(directory, "t10k");

    Dataset dataset;
    dataset.name = "idx";
    Sha256 hash;
    dataset.train = read_set(train, request, hash);
    dataset.test = read_set(test, request, hash);
    const SignalShape& shape = dataset.train.shape;
    if (dataset.test.shape.rank != shape.rank || dataset.test.shape.extent != shape.extent) {
        fail(test.images,
             fmt::format("holds samples of {}, but {} holds samples of {}", shape_text(dataset.test.shape),
                         train.images.filename().string(), shape_text(shape)),
             "Take all files from the same data set.");
    }
    if (known_largest >= 0)
        require_labels_up_to(known_largest, dataset.train, train.labels,
                             fmt::format("this data set's end at {}", known_largest));
    const std::int32_t largest = std::ranges::max(dataset.train.labels);
    if (known_largest < 0) require_every_class(dataset.train, largest, train.labels);
    require_labels_up_to(largest, dataset.test, test.labels,
                         fmt::format("the training labels end at {}", largest));
    for (std::int32_t label = 0; label <= largest; ++label)
        dataset.class_names.push_back(std::to_string(label));
    dataset.sha256 = hash.hex();
    return dataset;
}

}  // namespace

Dataset load_idx(const DatasetRequest& request) { return load(request, -1); }

Dataset load_mnist(const DatasetRequest& request) { return load(request, 9); }

}  // namespace spectral
