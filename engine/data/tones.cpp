// x[n] = g · Σ_p a_p sin(2π d f_p n/N + φ_p) + σ w[n]: a and f belong to the class; gain g, detune d near 1,
// phases φ and white noise w to the sample.
#include "engine/data/tones.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "engine/core/files.hpp"
#include "engine/core/random.hpp"
#include "engine/data/generator.hpp"

namespace spectral {
namespace {

constexpr std::size_t kPartials = 5;

struct Partial {
    double frequency;  ///< cycles in the signal
    double amplitude;
};
using Chord = std::array<Partial, kPartials>;

/// The chord's variance is 1: Σ a²/2 = 1.
Chord draw_chord(const TonesOptions& options, std::int64_t tone) {
    Random random(options.seed, stream_id(StreamSet::classes, static_cast<std::uint64_t>(tone)));
    // Detuning must not push a partial past the Nyquist frequency.
    const double highest = 0.46 * static_cast<double>(options.length);
    Chord chord{};
    double power = 0;
    for (Partial& partial : chord) {
        partial = {random.uniform(1.5, highest), random.uniform(0.4, 1.0)};
        power += 0.5 * partial.amplitude * partial.amplitude;
    }
    for (Partial& partial : chord) partial.amplitude /= std::sqrt(power);
    return chord;
}

void draw_signal(Random random, const Chord& chord, const TonesOptions& options, std::span<double> sum,
                 float* out) {
    const double gain = std::exp(random.uniform(-0.35, 0.35));
    const double detune = 1 + 0.006 * std::clamp(random.normal(), -3.0, 3.0);
    std::fill(sum.begin(), sum.end(), 0.0);
    for (const Partial& partial : chord) {
        const double angle =
            2 * std::numbers::pi * detune * partial.frequency / static_cast<double>(options.length);
        const double phase = random.uniform(0, 2 * std::numbers::pi);
        // A rotation instead of a sine per value; written out, since std::complex checks for NaN.
        const double turn_re = std::cos(angle), turn_im = std::sin(angle);
        double re = gain * partial.amplitude * std::cos(phase),
               im = gain * partial.amplitude * std::sin(phase);
        for (double& value : sum) {
            value += im;
            const double next = re * turn_re - im * turn_im;
            im = re * turn_im + im * turn_re;
            re = next;
        }
    }
    for (std::size_t n = 0; n < sum.size(); ++n)
        out[n] = static_cast<float>(sum[n] + options.noise * random.normal());
}

Samples make_set(const TonesOptions& options, std::span<const Chord> chords, bool test, MemoryBudget* budget,
                 const Progress& progress) {
    const std::int64_t count = test ? options.test_samples : options.train_samples;
    const auto length = static_cast<std::size_t>(options.length);
    Samples samples;
    samples.reservation =
        reserve_samples(budget, count, options.length * static_cast<std::int64_t>(sizeof(float)),
                        test ? "tones test set" : "tones training set");
    samples.shape = {1, {options.length, 1, 1}};
    samples.labels = balanced_labels(count, options.classes, options.seed,
                                     test ? StreamSet::test_labels : StreamSet::train_labels);
    auto& values = samples.values.emplace<std::vector<float>>(static_cast<std::size_t>(count) * length);
    const StreamSet set = test ? StreamSet::test : StreamSet::train;
    const auto make = [&](std::int64_t sample) {
        thread_local std::vector<double> sum;
        sum.resize(length);
        const auto i = static_cast<std::size_t>(sample);
        draw_signal(Random(options.seed, stream_id(set, i)),
                    chords[static_cast<std::size_t>(samples.labels[i])], options, sum,
                    values.data() + i * length);
    };
    generate(count, options.threads, make, progress, test ? "making test tones" : "making training tones");
    return samples;
}

}  // namespace

const Schema& tones_schema() {
    static const Schema schema = [] {
        Schema fields = generator_schema(8000, 2000);
        fields.push_back(
            {"length", FieldType::integer, 256, "signal length", "Values in each signal.", 16, 65536});
        fields.push_back(
            {"classes", FieldType::integer, 8, "classes", "How many chords to tell apart.", 2, 64});
        fields.push_back({"noise", FieldType::real, 0.5, "noise",
                          "Standard deviation of the white noise; the chord's is about 1.", 0, 4});
        return fields;
    }();
    return schema;
}

Dataset make_tones(const TonesOptions& options, MemoryBudget* budget, const Progress& progress) {
    Dataset dataset;
    dataset.name = "tones";
    std::vector<Chord> chords;
    for (std::int64_t tone = 0; tone < options.classes; ++tone) {
        chords.push_back(draw_chord(options, tone));
        dataset.class_names.push_back(fmt::format("tone {}", tone));
    }
    dataset.train = make_set(options, chords, false, budget, progress);
    dataset.test = make_set(options, chords, true, budget, progress);
    const std::string identity =
        fmt::format("tones 1 train_samples={} test_samples={} data_seed={} length={} classes={} noise={}",
                    options.train_samples, options.test_samples, options.seed, options.length,
                    options.classes, options.noise);
    dataset.sha256 = sha256(std::as_bytes(std::span(identity)));
    return dataset;
}

Dataset load_tones(const DatasetRequest& request) {
    TonesOptions options;
    options.train_samples = request.options.at("train_samples").get<std::int64_t>();
    options.test_samples = request.options.at("test_samples").get<std::int64_t>();
    options.seed = request.options.at("data_seed").get<std::uint64_t>();
    options.length = request.options.at("length").get<std::int64_t>();
    options.classes = request.options.at("classes").get<std::int64_t>();
    options.noise = request.options.at("noise").get<double>();
    return make_tones(options, request.budget, request.progress);
}

DatasetShape tones_shape(const Json& options) {
    return {{1, {options.at("length").get<std::int64_t>(), 1, 1}}, options.at("classes").get<std::int64_t>()};
}

}  // namespace spectral
