#include "engine/data/arrays.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/files.hpp"
#include "engine/core/finite.hpp"
#include "engine/data/split.hpp"
#include "engine/io/number_array.hpp"

namespace spectral {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaximumSamples = UINT32_MAX;

/// Reads an array by its name.
using Reader = std::function<NumberArray(const std::string& name)>;

class Arrays {
public:
    Arrays(const DatasetRequest& request, Reader reader) : request_(request), reader_(std::move(reader)) {}

    Samples read(const std::string& features_option, const std::string& labels_option) {
        const std::string features_name = option(features_option), labels_name = option(labels_option);
        report(request_.progress, "reading " + features_name, 0);
        NumberArray features = reader_(features_name);
        hash(features_name, features);
        report(request_.progress, "reading " + labels_name, 0);
        const NumberArray labels = reader_(labels_name);
        hash(labels_name, labels);
        Samples samples = take_features(features_name, std::move(features));
        take_labels(labels_name, labels, samples);
        return samples;
    }
    /// Of what was read.
    std::string digest() const { return sha256(std::as_bytes(std::span(hashes_))); }

    std::string option(const std::string& name) const { return request_.options.at(name).get<std::string>(); }
    Error error(const std::string& array, const std::string& why, const std::string& hint) const {
        return {request_.path, "array '" + array + "' " + why, hint};
    }

private:
    void hash(const std::string& name, const NumberArray& array) {
        hashes_ += name;
        for (const std::int64_t extent : array.extents) hashes_ += fmt::format(" {}", extent);
        std::visit(
            [&](const auto& values) {
                hashes_ +=
                    fmt::format(" {} {}\n", array.values.index(), sha256(std::as_bytes(std::span(values))));
            },
            array.values);
    }

    Samples take_features(const std::string& name, NumberArray array) const {
        const std::vector<std::int64_t>& extents = array.extents;
        if (extents.empty()) throw error(name, "is a single number", "Give one row for each sample.");
        if (array.count() == 0) throw error(name, "is empty", "Give one sample at least.");
        if (extents[0] > kMaximumSamples) throw error(name, "has too many samples", "Take a part of them.");
        Samples samples;
        samples.shape.rank = std::max(static_cast<int>(extents.size()) - 1, 1);
        samples.shape.extent = {1};
        std::copy(extents.begin() + 1, extents.end(), samples.shape.extent.begin());
        if (auto* bytes = std::get_if<std::vector<std::uint8_t>>(&array.values)) {
            samples.scale = 1.0F / 255;
            samples.values = std::move(*bytes);
        } else if (auto* floats = std::get_if<std::vector<float>>(&array.values)) {
            if (const auto wrong = first_not_finite(*floats))
                throw error(name, fmt::format("holds {} at place {}", (*floats)[*wrong], *wrong),
                            "Leave out samples with values that are missing.");
            samples.values = std::move(*floats);
        } else {
            const auto& integers = std::get<std::vector<std::int64_t>>(array.values);
            if (request_.budget)
                samples.reservation = request_.budget->reserve(
                    MemoryTag::data, integers.size() * sizeof(float), "array " + name);
            samples.values = std::vector<float>(integers.begin(), integers.end());
            array.room = std::exchange(samples.reservation, {});
        }
        samples.reservation = std::move(array.room);
        samples.reservation.grow(static_cast<std::size_t>(extents[0]) * sizeof(std::int32_t));
        samples.labels.resize(static_cast<std::size_t>(extents[0]));
        return samples;
    }

    void take_labels(const std::string& name, const NumberArray& array, Samples& samples) const {
        const std::vector<std::int64_t>& extents = array.extents;
        const bool column = extents.size() == 2 && extents[1] == 1;
        if (extents.size() != 1 && !column)
            throw error(name,
                        fmt::format("has the shape {}; labels are one whole number for each sample",
                                    extents_text(static_cast<int>(extents.size()), extents)),
                        "Give the number of the class; of one-hot rows, numpy.argmax(y, axis=1).");
        if (extents[0] != samples.count())
            throw error(name,
                        fmt::format("holds {} labels, and there are {} samples", extents[0], samples.count()),
                        "Take both from the same data set.");
        std::visit(
            [&](const auto& values) {
                for (std::size_t i = 0; i < values.size(); ++i) {
                    const auto label = static_cast<double>(values[i]);
                    if (!(label >= 0 && label < kArrayMaximumClasses && label == std::floor(label)))
                        throw error(name,
                                    fmt::format("holds {} at place {}; labels are whole numbers from 0 to {}",
                                                label, i, kArrayMaximumClasses - 1),
                                    "Number the classes from 0.");
                    samples.labels[i] = static_cast<std::int32_t>(label);
                }
            },
            array.values);
    }

    const DatasetRequest& request_;
    Reader reader_;
    std::string hashes_;
};

/// Rows of `all`, in the order given.
Samples rows_of(const Samples& all, std::span<const std::uint32_t> rows, MemoryBudget* budget,
                const char* holder) {
    Samples part;
    part.shape = all.shape;
    part.scale = all.scale;
    const auto size = static_cast<std::size_t>(all.shape.size());
    const auto copy = [&](const auto& values) {
        std::decay_t<decltype(values)> chosen;
        const std::size_t row_bytes = size * sizeof(values[0]) + sizeof(std::int32_t);
        if (budget) part.reservation = budget->reserve(MemoryTag::data, rows.size() * row_bytes, holder);
        chosen.reserve(rows.size() * size);
        for (const std::uint32_t row : rows) {
            const auto first = values.begin() + static_cast<std::ptrdiff_t>(row * size);
            chosen.insert(chosen.end(), first, first + static_cast<std::ptrdiff_t>(size));
        }
        part.values = std::move(chosen);
    };
    if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&all.values))
        copy(*bytes);
    else
        copy(std::get<std::vector<float>>(all.values));
    part.labels.reserve(rows.size());
    for (const std::uint32_t row : rows) part.labels.push_back(all.labels[row]);
    return part;
}

void split(Dataset& dataset, const DatasetRequest& request) {
    const Samples all = std::move(dataset.train);
    if (all.count() < 2)
        throw Error(request.path, "holds one sample, which cannot be split", "Give two samples at least.");
    // The one is drawn out of a list of all rows, whose room it keeps.
    const Reservation room =
        request.budget
            ? request.budget->reserve(MemoryTag::workspace, 2 * all.labels.size() * sizeof(std::uint32_t),
                                      "rows to split")
            : Reservation{};
    const std::vector<std::uint32_t> test =
        draw_test_rows(all.count(), request.options.at("test_share").get<double>());
    std::vector<std::uint32_t> train;
    train.reserve(all.labels.size() - test.size());
    for (std::uint32_t row = 0; row < all.labels.size(); ++row)
        if (!std::ranges::binary_search(test, row)) train.push_back(row);
    dataset.train = rows_of(all, train, request.budget, "training arrays");
    dataset.test = rows_of(all, test, request.budget, "test arrays");
}

Dataset load(const DatasetRequest& request, const Reader& reader) {
    Arrays arrays(request, reader);
    const bool own_test = !arrays.option("test_features").empty();
    if (own_test == arrays.option("test_labels").empty()) {
        const std::string empty = own_test ? "test_labels" : "test_features";
        throw BadValue("option '" + empty + "'", empty,
                       fmt::format("is empty, and '{}' names an array",
                                   arrays.option(own_test ? "test_features" : "test_labels")),
                       "Name both arrays, or leave both empty to split the training arrays.");
    }
    Dataset dataset;
    dataset.train = arrays.read("train_features", "train_labels");
    if (own_test) {
        dataset.test = arrays.read("test_features", "test_labels");
        const SignalShape &train = dataset.train.shape, &test = dataset.test.shape;
        if (train.rank != test.rank || train.extent != test.extent)
            throw arrays.error(
                arrays.option("test_features"),
                fmt::format("holds samples of {}, and those for training are {}",
                            extents_text(test.rank, test.extent), extents_text(train.rank, train.extent)),
                "Take both from the same data set.");
        if (dataset.train.values.index() != dataset.test.values.index())
            throw arrays.error(arrays.option("test_features"), "has another type than the training array",
                               "Take both from the same data set.");
    }
    const std::int32_t largest = std::ranges::max(dataset.train.labels);
    if (own_test && std::ranges::max(dataset.test.labels) > largest)
        throw arrays.error(arrays.option("test_labels"),
                           fmt::format("holds label {}, and those for training end at {}",
                                       std::ranges::max(dataset.test.labels), largest),
                           "Take both from the same data set.");
    if (!own_test) split(dataset, request);
    for (std::int32_t label = 0; label <= largest; ++label)
        dataset.class_names.push_back(std::to_string(label));
    dataset.sha256 = arrays.digest();
    return dataset;
}

}  // namespace

const Schema& arrays_schema() {
    static const Schema schema{
        {"train_features", FieldType::text, "x_train", "training features", "Name of the array of samples."},
        {"train_labels", FieldType::text, "y_train", "training labels",
         "Name of the array of their classes."},
        {"test_features", FieldType::text, "x_test", "test features",
         "Name of the array of samples for testing; empty: a share of the training array."},
        {"test_labels", FieldType::text, "y_test", "test labels",
         "Name of the array of their classes; empty with the other one."},
        test_share_field()};
    return schema;
}

Dataset load_npy(const DatasetRequest& request) {
    const fs::path path = request.path;
    std::error_code absent;
    if (!fs::is_directory(path, absent))
        return load(request,
                    [&](const std::string& name) { return read_npz_numbers(path, name, request.budget); });
    return load(request, [&](const std::string& name) {
        if (name.find('/') != std::string::npos)
            throw Error(path.string(), "'" + name + "' is no name of an array",
                        "Name files of the directory.");
        return read_npy_numbers(path / (name + ".npy"), request.budget);
    });
}

Dataset load_hdf5(const DatasetRequest& request) {
    return load(request, [&](const std::string& name) {
        return read_hdf5_numbers(request.path, name, request.budget);
    });
}

}  // namespace spectral
