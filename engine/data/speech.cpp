#include "engine/data/speech.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/data/resampler.hpp"
#include "engine/data/spectrogram.hpp"
#include "engine/io/file_set.hpp"
#include "engine/io/wav.hpp"
#include "kernels/backend.hpp"

namespace spectral {
namespace {

constexpr std::int64_t kDigits = 10, kTestRecordings = 5;  // of every digit and speaker
constexpr std::uint64_t kMaximumFileBytes = std::uint64_t{64} << 20;

struct SpeechOptions {
    std::int64_t rate = 8000, length = 0;
    bool spectrogram = true;
    SpectrogramOptions frames;

    explicit SpeechOptions(const Json& options)
        : rate(options.at("rate").get<std::int64_t>()),
          length(std::llround(options.at("seconds").get<double>() * static_cast<double>(rate))),
          spectrogram(options.at("representation") == "log-spectrogram") {
        frames.length = length;
        frames.window = options.at("window").get<std::int64_t>();
        frames.hop = options.at("hop").get<std::int64_t>();
        frames.floor_db = options.at("floor_db").get<double>();
        const std::int64_t least = spectrogram ? frames.window : 1;
        if (length < least)
            throw BadValue("option 'seconds' of data set speech", "seconds",
                           fmt::format("{} samples are fewer than {}", length,
                                       spectrogram ? fmt::format("the window's {}", least) : "one"),
                           "Take more seconds, a higher --rate or a smaller --window.");
    }
    SignalShape shape() const {
        if (spectrogram) return {2, {frames.frames(), frames.bins()}};
        return {1, {length}};
    }
};

bool is_recording(std::string_view name) {
    const auto ending = name.substr(name.size() - std::min<std::size_t>(name.size(), 4));
    return ending == ".wav" || ending == ".WAV";
}

/// Where every recording goes: set and row.
struct Places {
    Reservation room;  ///< of the list below
    std::vector<RecordingName> names;
    std::int64_t train = 0, test = 0;

    Places(const FileSet& files, MemoryBudget* budget) {
        // With the rows that they go to.
        if (budget)
            room = budget->reserve(MemoryTag::workspace,
                                   files.files().size() * (sizeof(RecordingName) + sizeof(std::size_t)),
                                   "places of recordings");
        names.reserve(files.files().size());
        for (std::size_t i = 0; i < files.files().size(); ++i) {
            const auto name = parse_recording_name(files.files()[i].name);
            if (!name)
                throw files.error(i, "its name is not of the form {digit}_{speaker}_{index}.wav",
                                  "Rename it, or leave it out.");
            names.push_back(*name);
            ++(is_test(i) ? test : train);
        }
        for (const auto& [count, what, why] :
             {std::tuple{train, "training", "5 or more"}, std::tuple{test, "testing", "0 to 4"}})
            if (count == 0)
                throw files.error(
                    fmt::format("holds no recording for {}: none has an index of {}", what, why),
                    "Give the recordings of the Free Spoken Digit Dataset, or a set of its form.");
    }
    bool is_test(std::size_t i) const { return names[i].index < kTestRecordings; }
};

/// Brings recordings to one rate, and keeps the weights of the rate that it met last.
class Rates {
public:
    explicit Rates(std::int64_t rate) : rate_(rate) {}
    void run(const Recording& recording, std::span<float> y) {
        if (!resampler_ || from_ != recording.rate) {
            resampler_.emplace(recording.rate, rate_);
            from_ = recording.rate;
        }
        resampler_->run(recording.samples, y);
    }

private:
    std::int64_t rate_, from_ = 0;
    std::optional<Resampler> resampler_;
};

}  // namespace

std::optional<RecordingName> parse_recording_name(std::string_view name) {
    const std::size_t slash = name.rfind('/');
    if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
    if (!is_recording(name)) return std::nullopt;
    name.remove_suffix(4);
    const std::size_t last = name.rfind('_');
    if (last == std::string_view::npos || last < 3 || name[1] != '_' || name[0] < '0' || name[0] > '9')
        return std::nullopt;
    const std::string_view index = name.substr(last + 1);
    RecordingName result;
    result.digit = name[0] - '0';
    const auto [end, failure] = std::from_chars(index.data(), index.data() + index.size(), result.index);
    if (failure != std::errc() || end != index.data() + index.size() || result.index < 0) return std::nullopt;
    return result;
}

const Schema& speech_schema() {
    static const Schema schema = [] {
        Schema fields{
            {"representation", FieldType::choice, "log-spectrogram", "representation",
             "What a sample is: the recording's log-spectrogram, or its waveform."},
            {"rate", FieldType::integer, 8000, "rate", "Samples a second that every recording is brought to.",
             kWavLowestRate, 96000},
            {"seconds", FieldType::real, 0.64, "seconds",
             "Length that every recording is cut or padded to, from its start.", 0.001, 60},
            {"window", FieldType::integer, 256, "window", "Samples of one spectrum of the log-spectrogram.",
             2, 65536},
            {"hop", FieldType::integer, 128, "hop", "Samples from one spectrum to the next.", 1, 65536},
            {"floor_db", FieldType::real, -80.0, "floor",
             "Decibels below a recording's loudest value at which the log-spectrogram ends.", -200, -1}};
        fields.front().choices = {"log-spectrogram", "waveform"};
        for (Field& field : fields)
            if (field.name == "window" || field.name == "hop" || field.name == "floor_db")
                field.only_with = Condition{"representation", {"log-spectrogram"}};
        return fields;
    }();
    return schema;
}

Dataset load_speech(const DatasetRequest& request) {
    const SpeechOptions options(request.options);
    const FileSet files(request.path, is_recording, kMaximumFileBytes, request.budget, request.progress);
    if (files.files().empty())
        throw files.error("holds no WAV file", "Give the directory or archive with the recordings.");
    const Places places(files, request.budget);

    Dataset dataset;
    dataset.name = "speech";
    const SignalShape shape = options.shape();
    const auto size = static_cast<std::size_t>(shape.size());
    const auto make_room = [&](Samples& samples, std::int64_t count, const char* holder) {
        samples.reservation = reserve_samples(
            request.budget, count, shape.size() * static_cast<std::int64_t>(sizeof(float)), holder);
        samples.shape = shape;
        samples.labels.reserve(static_cast<std::size_t>(count));
        samples.values.emplace<std::vector<float>>(static_cast<std::size_t>(count) * size);
    };
    make_room(dataset.train, places.train, "training recordings");
    make_room(dataset.test, places.test, "test recordings");
    // The rows that are the files' own, in the order of their names.
    std::vector<std::size_t> rows;
    rows.reserve(places.names.size());
    for (std::size_t i = 0; i < places.names.size(); ++i) {
        Samples& samples = places.is_test(i) ? dataset.test : dataset.train;
        rows.push_back(samples.labels.size());
        samples.labels.push_back(places.names[i].digit);
    }

    // On one core of the CPU, whatever trains: the data are the same everywhere.
    MemoryBudget unlimited;
    MemoryBudget& budget = request.budget ? *request.budget : unlimited;
    const auto backend = open_backend("cpu", 1);
    std::optional<Spectrogram> spectrogram;
    if (options.spectrogram) spectrogram.emplace(Device{*backend, budget}, options.frames);
    Rates rates(options.rate);
    std::vector<float> waveform(static_cast<std::size_t>(options.length));
    const auto visit = [&](std::size_t i, std::span<const std::uint8_t> bytes) {
        // A byte becomes one sample at most.
        const Reservation room =
            budget.reserve(MemoryTag::workspace, bytes.size() * sizeof(float), "recording being read");
        const Recording recording = read_wav(bytes);
        Samples& samples = places.is_test(i) ? dataset.test : dataset.train;
        const auto row =
            std::span(std::get<std::vector<float>>(samples.values)).subspan(rows[i] * size, size);
        if (!spectrogram) {
            rates.run(recording, row);
            return;
        }
        rates.run(recording, waveform);
        spectrogram->run(waveform, row);
    };
    dataset.sha256 = files.read(visit, request.progress);
    for (std::int64_t digit = 0; digit < kDigits; ++digit)
        dataset.class_names.push_back(std::to_string(digit));
    return dataset;
}

}  // namespace spectral
