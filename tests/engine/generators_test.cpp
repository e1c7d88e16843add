// The generated data sets: the same on every run and machine, balanced, in range, and learnable.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "engine/data/dataset.hpp"
#include "engine/data/generator.hpp"
#include "engine/data/strokes.hpp"
#include "engine/data/tones.hpp"

namespace spectral {
namespace {

StrokesOptions small_strokes(int threads = 1) {
    StrokesOptions options;
    options.train_samples = 1003;
    options.test_samples = 211;
    options.threads = threads;
    return options;
}

TonesOptions small_tones(int threads = 1) {
    TonesOptions options;
    options.train_samples = 1003;
    options.test_samples = 211;
    options.length = 61;
    options.threads = threads;
    return options;
}

void expect_same(const Dataset& a, const Dataset& b) {
    EXPECT_EQ(a.train.values, b.train.values);
    EXPECT_EQ(a.test.values, b.test.values);
    EXPECT_EQ(a.train.labels, b.train.labels);
    EXPECT_EQ(a.test.labels, b.test.labels);
    EXPECT_EQ(a.sha256, b.sha256);
}

void expect_balanced(const Samples& samples, std::int64_t classes) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(classes));
    for (const std::int32_t label : samples.labels) ++counts.at(static_cast<std::size_t>(label));
    const auto [fewest, most] = std::minmax_element(counts.begin(), counts.end());
    EXPECT_LE(*most - *fewest, 1);
    EXPECT_FALSE(std::is_sorted(samples.labels.begin(), samples.labels.begin() + 2 * classes));
}

using Rows = std::vector<std::vector<double>>;

Rows inputs(const Samples& samples) {
    const auto size = static_cast<std::size_t>(samples.shape.size());
    std::vector<float> row(size);
    Rows rows;
    for (std::int64_t i = 0; i < samples.count(); ++i) {
        samples.read(i, 1, row.data());
        rows.emplace_back(row.begin(), row.end());
    }
    return rows;
}

/// Phases are random, so classes show in the spectrum only.
Rows magnitudes(const Rows& signals) {
    Rows rows;
    for (const auto& signal : signals) {
        std::vector<double> row(signal.size() / 2 + 1);
        for (std::size_t f = 0; f < row.size(); ++f) {
            double re = 0, im = 0;
            for (std::size_t n = 0; n < signal.size(); ++n) {
                const double angle =
                    2 * std::numbers::pi * static_cast<double>(f * n) / static_cast<double>(signal.size());
                re += signal[n] * std::cos(angle);
                im -= signal[n] * std::sin(angle);
            }
            row[f] = std::hypot(re, im);
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

/// Part of the test samples whose nearest training class mean is that of their class.
double nearest_mean_accuracy(const Rows& train, const std::vector<std::int32_t>& train_labels,
                             const Rows& test, const std::vector<std::int32_t>& test_labels,
                             std::int64_t classes) {
    Rows means(static_cast<std::size_t>(classes), std::vector<double>(train[0].size()));
    std::vector<double> counts(means.size());
    for (std::size_t i = 0; i < train.size(); ++i) {
        const auto label = static_cast<std::size_t>(train_labels[i]);
        counts[label] += 1;
        for (std::size_t k = 0; k < train[i].size(); ++k) means[label][k] += train[i][k];
    }
    std::size_t right = 0;
    for (std::size_t i = 0; i < test.size(); ++i) {
        double best = 1e300;
        std::size_t answer = 0;
        for (std::size_t label = 0; label < means.size(); ++label) {
            double distance = 0;
            for (std::size_t k = 0; k < test[i].size(); ++k) {
                const double d = test[i][k] - means[label][k] / counts[label];
                distance += d * d;
            }
            if (distance < best) {
                best = distance;
                answer = label;
            }
        }
        if (answer == static_cast<std::size_t>(test_labels[i])) ++right;
    }
    return static_cast<double>(right) / static_cast<double>(test.size());
}

TEST(Strokes, Deterministic) {
    const Dataset one = make_strokes(small_strokes());
    expect_same(one, make_strokes(small_strokes()));
    expect_same(one, make_strokes(small_strokes(2)));
    expect_same(one, make_strokes(small_strokes(7)));
    StrokesOptions other = small_strokes();
    other.seed = 2;
    const Dataset two = make_strokes(other);
    EXPECT_NE(one.train.values, two.train.values);
    EXPECT_NE(one.train.labels, two.train.labels);
    EXPECT_NE(one.sha256, two.sha256);
}

TEST(Strokes, ASampleDoesNotDependOnHowManyThereAre) {
    const Dataset many = make_strokes(small_strokes());
    StrokesOptions options = small_strokes();
    options.train_samples = 137;
    const Dataset few = make_strokes(options);
    const auto& a = std::get<std::vector<std::uint8_t>>(many.train.values);
    const auto& b = std::get<std::vector<std::uint8_t>>(few.train.values);
    // The last, unfinished round of classes included.
    EXPECT_TRUE(std::equal(b.begin(), b.end(), a.begin()));
    EXPECT_TRUE(std::equal(few.train.labels.begin(), few.train.labels.end(), many.train.labels.begin()));
    EXPECT_EQ(few.test.values, many.test.values);
    EXPECT_NE(few.sha256, many.sha256);
}

TEST(Strokes, ShapesRangeAndBalance) {
    const Dataset dataset = make_strokes(small_strokes());
    EXPECT_EQ(dataset.train.count(), 1003);
    EXPECT_EQ(dataset.test.count(), 211);
    EXPECT_EQ(dataset.classes(), 10);
    EXPECT_EQ(dataset.train.shape.rank, 2);
    EXPECT_EQ(dataset.train.shape.size(), 784);
    expect_balanced(dataset.train, 10);
    expect_balanced(dataset.test, 10);
    const auto& pixels = std::get<std::vector<std::uint8_t>>(dataset.train.values);
    ASSERT_EQ(pixels.size(), 1003U * 784U);
    for (std::size_t i = 0; i < 1003; ++i) {
        const auto first = pixels.begin() + static_cast<std::ptrdiff_t>(i * 784);
        EXPECT_GT(*std::max_element(first, first + 784), 150) << i;
        const auto inked = std::count_if(first, first + 784, [](std::uint8_t v) { return v > 100; });
        EXPECT_GT(inked, 15) << i;
        EXPECT_LT(inked, 350) << i;
    }
    double sum = 0, squares = 0;
    for (const auto& row : inputs(dataset.train)) {
        for (const double value : row) sum += value, squares += value * value;
    }
    const auto count = static_cast<double>(pixels.size());
    EXPECT_NEAR(sum / count, 0, 0.05);
    EXPECT_NEAR(squares / count, 1, 0.05);
}

TEST(Strokes, NoiseOptionChangesOnlyTheNoise) {
    StrokesOptions options = small_strokes();
    options.noise = 0;
    const Dataset clean = make_strokes(options);
    options.noise = 1;
    const Dataset noisy = make_strokes(options);
    EXPECT_EQ(clean.train.labels, noisy.train.labels);
    const auto& pixels = std::get<std::vector<std::uint8_t>>(clean.train.values);
    EXPECT_GT(std::count(pixels.begin(), pixels.end(), 0), static_cast<std::ptrdiff_t>(pixels.size() / 2));
}

TEST(Strokes, NearestMeanBeatsChance) {
    const Dataset dataset = make_strokes(small_strokes());
    EXPECT_GT(nearest_mean_accuracy(inputs(dataset.train), dataset.train.labels, inputs(dataset.test),
                                    dataset.test.labels, dataset.classes()),
              0.5);
}

TEST(Tones, Deterministic) {
    const Dataset one = make_tones(small_tones());
    expect_same(one, make_tones(small_tones()));
    expect_same(one, make_tones(small_tones(2)));
    expect_same(one, make_tones(small_tones(7)));
    TonesOptions other = small_tones();
    other.seed = 2;
    EXPECT_NE(one.train.values, make_tones(other).train.values);
    EXPECT_NE(one.sha256, make_tones(other).sha256);
}

TEST(Tones, ShapesRangeAndBalance) {
    for (const std::int64_t length : {16, 61, 256, 65536}) {
        for (const std::int64_t classes : {2, 7, 64}) {
            if (length == 65536 && classes != 7) continue;  // takes its time
            TonesOptions options;
            options.train_samples = options.test_samples = 130;
            options.length = length;
            options.classes = classes;
            const Dataset dataset = make_tones(options);
            EXPECT_EQ(dataset.classes(), classes);
            EXPECT_EQ(dataset.train.shape.rank, 1);
            EXPECT_EQ(dataset.train.shape.size(), length);
            expect_balanced(dataset.train, classes);
            const auto& values = std::get<std::vector<float>>(dataset.train.values);
            ASSERT_EQ(values.size(), static_cast<std::size_t>(130 * length));
            double squares = 0;
            for (const float value : values) {
                ASSERT_TRUE(std::isfinite(value));
                ASSERT_LT(std::abs(value), 12.0F);
                squares += static_cast<double>(value) * static_cast<double>(value);
            }
            EXPECT_NEAR(squares / static_cast<double>(values.size()), 1.25, 0.35) << length << " " << classes;
        }
    }
}

TEST(Tones, NearestMeanOfMagnitudesBeatsChance) {
    const Dataset dataset = make_tones(small_tones());
    EXPECT_GT(nearest_mean_accuracy(magnitudes(inputs(dataset.train)), dataset.train.labels,
                                    magnitudes(inputs(dataset.test)), dataset.test.labels, dataset.classes()),
              0.5);
}

TEST(Generators, OptionsAreChecked) {
    struct Case {
        const char* set;
        const char* option;
        Json value;
    };
    for (const Case& wrong : std::vector<Case>{{"strokes", "train_samples", 99},
                                               {"strokes", "train_samples", 1'000'001},
                                               {"strokes", "train_samples", 200.5},
                                               {"strokes", "test_samples", 0},
                                               {"strokes", "data_seed", -1},
                                               {"strokes", "noise", 1.01},
                                               {"strokes", "noise", "much"},
                                               {"strokes", "length", 256},
                                               {"tones", "length", 15},
                                               {"tones", "length", 65537},
                                               {"tones", "classes", 1},
                                               {"tones", "classes", 65},
                                               {"tones", "noise", 4.5},
                                               {"tones", "noise", -0.1}}) {
        DatasetRequest request;
        request.options[wrong.option] = wrong.value;
        try {
            load_dataset(wrong.set, request);
            ADD_FAILURE() << wrong.set << " took " << wrong.option << " = " << wrong.value;
        } catch (const Error& error) {
            // Flags are spelt with dashes: either spelling names the option.
            std::string text = error.what();
            std::replace(text.begin(), text.end(), '-', '_');
            EXPECT_NE(text.find(wrong.option), std::string::npos) << error.what();
        }
    }
}

TEST(Generators, LoadThroughTheRegistry) {
    DatasetRequest request;
    request.options = {{"train_samples", 1003}, {"test_samples", 211}};
    expect_same(load_dataset("strokes", request), make_strokes(small_strokes()));
    request.options["length"] = 61;
    expect_same(load_dataset("tones", request), make_tones(small_tones()));
    request.path = "/somewhere";
    EXPECT_THROW(load_dataset("tones", request), Error);
    try {
        find_dataset("cifar");
        ADD_FAILURE();
    } catch (const Error& error) {
        for (const DatasetInfo& info : dataset_registry()) {
            EXPECT_NE(error.hint().find(info.name), std::string::npos) << error.hint();
        }
    }
}

TEST(Generators, BudgetLimitAndCancel) {
    MemoryBudget budget;
    {
        const Dataset dataset = make_strokes(small_strokes(), &budget);
        EXPECT_EQ(budget.usage(MemoryTag::data).current, (1003U + 211U) * (784U + sizeof(std::int32_t)));
    }
    EXPECT_EQ(budget.total().current, 0U);
    budget.set_limit(1000);
    EXPECT_THROW(make_strokes(small_strokes(), &budget), Error);
    TonesOptions huge;
    huge.train_samples = 1'000'000;
    huge.length = 65536;
    EXPECT_THROW(make_tones(huge), Error);
    int calls = 0;
    EXPECT_THROW(make_tones(small_tones(3), nullptr, [&](auto, auto) { return ++calls < 2; }), Cancelled);
}

TEST(Generators, EverySampleIsMadeOnceAndFailuresArrive) {
    for (const int threads : {1, 2, 5}) {
        for (const std::int64_t count : {0, 1, 63, 64, 65, 1009}) {
            std::vector<std::atomic<int>> made(static_cast<std::size_t>(count));
            generate(
                count, threads, [&](std::int64_t i) { ++made[static_cast<std::size_t>(i)]; }, {}, "test");
            for (const auto& times : made) EXPECT_EQ(times, 1);
        }
        const auto fail_late = [](std::int64_t i) {
            if (i == 700) throw Error("sample 700", "does not want to");
        };
        EXPECT_THROW(generate(1009, threads, fail_late, {}, "test"), Error);
    }
}

}  // namespace
}  // namespace spectral
