#include "engine/data/cifar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/colour.hpp"
#include "engine/io/file_set.hpp"

namespace spectral {
namespace {

constexpr std::int64_t kSide = 32, kClasses = 10;
constexpr std::size_t kPlane = kSide * kSide, kRecordBytes = 1 + 3 * kPlane;
constexpr std::uint64_t kMaximumFileBytes = std::uint64_t{1} << 30;
// The set's mean and standard deviation over all channels, of pixels in [0, 1].
constexpr float kMean = 0.4734F, kDeviation = 0.2516F;

constexpr std::array<std::string_view, 6> kNames{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                                 "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('/') + 1); }

/// Number of the batch in kNames; kNames.size() for other files.
std::size_t batch_of(std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(kNames, last_part(name)) - kNames.begin());
}

/// The file of each batch, by its number in `files`.
std::array<std::size_t, kNames.size()> find_batches(const FileSet& files) {
    constexpr std::size_t kNone = SIZE_MAX;
    std::array<std::size_t, kNames.size()> found{};
    found.fill(kNone);
    for (std::size_t i = 0; i < files.files().size(); ++i) {
        std::size_t& place = found.at(batch_of(files.files()[i].name));
        if (place != kNone)
            throw files.error(i, "is there twice, in another folder too", "Give one folder of batches.");
        place = i;
        const std::uint64_t bytes = files.files()[i].bytes;
        if (bytes == 0 || bytes % kRecordBytes != 0)
            throw files.error(
                i, fmt::format("has {} bytes, which is no number of records of {}", bytes, kRecordBytes),
                "Fetch the binary version of CIFAR-10 again.");
    }
    for (std::size_t batch = 0; batch < kNames.size(); ++batch)
        if (found[batch] == kNone)
            throw files.error(fmt::format("holds no {}", kNames[batch]),
                              "Give the directory or archive of CIFAR-10's binary version, with "
                              "data_batch_1.bin to data_batch_5.bin and test_batch.bin.");
    return found;
}

}  // namespace

const Schema& cifar10_schema() {
    static const Schema schema{colour_field()};
    return schema;
}

Dataset load_cifar10(const DatasetRequest& request) {
    const bool grey = is_grey(request.options);
    const FileSet files(
        request.path, [](std::string_view name) { return batch_of(name) < kNames.size(); }, kMaximumFileBytes,
        request.budget, request.progress);
    const auto batches = find_batches(files);

    Dataset dataset;
    dataset.name = "cifar10";
    const SignalShape shape = picture_shape(grey, kSide, kSide);
    const auto size = static_cast<std::size_t>(shape.size());
    std::array<std::size_t, kNames.size()> first{};  // row of every batch in its set
    std::array<std::size_t, 2> rows{};
    for (std::size_t batch = 0; batch < kNames.size(); ++batch) {
        std::size_t& count = rows.at(batch == kNames.size() - 1);
        first[batch] = count;
        count += static_cast<std::size_t>(files.files()[batches[batch]].bytes / kRecordBytes);
    }
    const auto make_room = [&](std::size_t count, const char* holder) {
        return picture_samples(request.budget, shape, count, kMean, kDeviation, holder);
    };
    dataset.train = make_room(rows[0], "CIFAR-10 training set");
    dataset.test = make_room(rows[1], "CIFAR-10 test set");

    const auto visit = [&](std::size_t index, std::span<const std::uint8_t> bytes) {
        const std::size_t batch = batch_of(files.files()[index].name);
        Samples& samples = batch == kNames.size() - 1 ? dataset.test : dataset.train;
        auto out = std::get<std::vector<std::uint8_t>>(samples.values).begin() +
                   static_cast<std::ptrdiff_t>(first[batch] * size);
        for (std::size_t i = 0; i < bytes.size() / kRecordBytes; ++i) {
            const auto record = bytes.subspan(i * kRecordBytes, kRecordBytes), pixels = record.subspan(1);
            if (record[0] >= kClasses)
                throw files.error(index,
                                  fmt::format("record {} has the label {}; they end at 9", i, record[0]),
                                  "Fetch the binary version of CIFAR-10 again.");
            samples.labels[first[batch] + i] = record[0];
            if (!grey) {
                out = std::ranges::copy(pixels, out).out;
                continue;
            }
            for (std::size_t p = 0; p < kPlane; ++p)
                *out++ = luma(pixels[p], pixels[kPlane + p], pixels[2 * kPlane + p]);
        }
    };
    dataset.sha256 = files.read(visit, request.progress);
    dataset.class_names = {"airplane", "automobile", "bird",  "cat",  "deer",
                           "dog",      "frog",       "horse", "ship", "truck"};
    return dataset;
}

}  // namespace spectral
