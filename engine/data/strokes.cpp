// A digit is a few pen strokes (Catmull–Rom curves through control points), bent, slanted, turned and drawn
// with a pen of varying width: ink = clamp((radius − distance)/softness + ½).
#include "engine/data/strokes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>
#include <sstream>
#include <string>

#include "engine/core/files.hpp"
#include "engine/core/random.hpp"
#include "engine/data/generator.hpp"

namespace spectral {
namespace {

constexpr int kSide = 28;
constexpr std::size_t kPixels = kSide * kSide;
constexpr std::int64_t kDigits = 10;
constexpr int kStepsPerPoint = 7;

// Mean and standard deviation of the pixels in [0, 1] at the default options.
constexpr float kMean = 0.1396F, kDeviation = 0.2823F;

/// A control point in the unit square, y down. The pen turns sharply at a corner.
struct Control {
    float x, y;
    bool corner = false;
};
using Stroke = std::vector<Control>;
using Glyph = std::vector<Stroke>;

// The ways of writing each digit: x,y in hundredths as the pen moves, "!" a corner, "/" a lifted pen.
using Styles = std::array<std::string_view, 3>;
constexpr std::array<Styles, kDigits> kDigitStyles{{
    {"58,5 32,8 14,38 16,74 42,97 72,86 86,50 76,16 55,4 44,7",
     "60,2 36,20 22,58 34,94 60,90 78,50 74,12 52,6"},
    {"56,2 52,35 50,68 47,98", "30,26 44,16 56,2! 54,50 51,98",
     "30,24 52,3! 52,50 51,95 / 27,96 50,95 78,95"},
    {"17,27 30,7 60,3 80,22 68,50 40,76 13,95! 50,92 90,95",
     "16,22 38,3 70,10 74,38 54,68 27,93 10,90 16,74 40,80 64,95 92,88"},
    {"18,14 45,2 74,13 70,36 40,47! 70,53 83,74 62,95 33,97 13,84",
     "17,6 46,5 80,5! 60,25 42,42! 72,50 82,74 58,96 30,97 14,86"},
    {"24,6 20,30 16,54! 50,52 86,50 / 74,5 70,50 66,98", "66,2 40,32 10,66! 50,64 92,63 / 67,2 65,50 63,98",
     "25,8 17,36 26,53 52,50 74,36 79,6! 73,50 66,98"},
    {"82,4 55,5 30,7! 26,24 22,44! 50,38 78,52 80,78 54,97 28,96 13,86",
     "33,8 30,28 27,42 50,42 76,56 76,80 50,97 16,90 / 33,8 58,6 88,3"},
    {"70,3 44,16 23,46 20,78 42,97 70,90 78,70 60,55 37,62 24,80",
     "42,2 30,32 22,64 28,92 56,97 77,80 66,60 42,62 29,78"},
    {"12,10 45,8 86,6! 66,40 50,70 42,98", "12,8 45,9 84,5! 64,42 45,98 / 30,52 54,50 78,48",
     "13,24 15,9! 50,7 85,6! 68,50 60,98"},
    {"76,14 50,2 24,16 34,38 62,54 80,76 60,97 28,93 20,72 42,50 68,34 77,12",
     "50,46 27,30 32,8 60,3 73,22 52,46 24,68 28,93 60,97 78,76 52,47"},
    {"76,16 52,3 24,18 26,43 52,50 75,32 79,10! 75,50 68,98",
     "74,20 50,3 25,18 28,44 56,48 75,22 78,50 70,84 46,98 22,90"},
}};

Glyph parse_glyph(std::string_view text) {
    Glyph glyph(1);
    std::istringstream words{std::string(text)};
    for (std::string word; words >> word;) {
        if (word == "/") {
            glyph.emplace_back();
        } else {
            const float x = std::stof(word), y = std::stof(word.substr(word.find(',') + 1));
            glyph.back().push_back({x / 100, y / 100, word.back() == '!'});
        }
    }
    return glyph;
}

const std::array<std::vector<Glyph>, kDigits>& glyphs() {
    static const std::array<std::vector<Glyph>, kDigits> all = [] {
        std::array<std::vector<Glyph>, kDigits> parsed;
        for (std::size_t digit = 0; digit < parsed.size(); ++digit) {
            for (const std::string_view text : kDigitStyles[digit]) {
                if (!text.empty()) parsed[digit].push_back(parse_glyph(text));
            }
        }
        return parsed;
    }();
    return all;
}

struct PenPoint {
    float x, y, radius;
};

/// A smooth displacement of the plane: what makes two digits of one hand differ.
class Warp {
public:
    Warp(Random& random, double strength) {
        for (Wave& wave : waves_) {
            wave = {static_cast<float>(random.uniform(-5, 5)), static_cast<float>(random.uniform(-5, 5)),
                    static_cast<float>(random.uniform(0, 2 * std::numbers::pi)),
                    static_cast<float>(strength * random.normal()),
                    static_cast<float>(strength * random.normal())};
        }
    }
    void apply(float& x, float& y) const {
        float dx = 0, dy = 0;
        for (const Wave& wave : waves_) {
            const float value = std::sin(wave.along_x * x + wave.along_y * y + wave.phase);
            dx += wave.shift_x * value;
            dy += wave.shift_y * value;
        }
        x += dx;
        y += dy;
    }

private:
    struct Wave {
        float along_x, along_y, phase, shift_x, shift_y;
    };
    std::array<Wave, 3> waves_{};
};

float catmull_rom(float a, float b, float c, float d, float t) {
    return b + 0.5F * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/// Curve through the control points as a polyline; the radius is filled in later.
void flatten(std::span<const Control> points, std::vector<PenPoint>& line) {
    // A corner is a doubled point: the curve then reaches and leaves it along straight tangents.
    std::vector<Control> knots;
    knots.reserve(2 * points.size() + 2);
    knots.push_back(points.front());
    for (const Control& point : points) {
        knots.push_back(point);
        if (point.corner) knots.push_back(point);
    }
    knots.push_back(points.back());
    line.clear();
    line.push_back({points.front().x, points.front().y, 0});
    for (std::size_t i = 1; i + 2 < knots.size(); ++i) {
        const Control &a = knots[i - 1], &b = knots[i], &c = knots[i + 1], &d = knots[i + 2];
        if (b.corner && b.x == c.x && b.y == c.y) continue;
        for (int step = 1; step <= kStepsPerPoint; ++step) {
            const float t = static_cast<float>(step) / kStepsPerPoint;
            line.push_back({catmull_rom(a.x, b.x, c.x, d.x, t), catmull_rom(a.y, b.y, c.y, d.y, t), 0});
        }
    }
}

/// Darkens the pixels near the segment from a to b.
void draw_segment(const PenPoint& a, const PenPoint& b, float softness, std::array<float, kPixels>& ink) {
    const float reach = std::max(a.radius, b.radius) + 0.5F * softness;
    const auto first = [&](float v) { return std::clamp(static_cast<int>(std::ceil(v - reach)), 0, kSide); };
    const auto last = [&](float v) {
        return std::clamp(static_cast<int>(std::floor(v + reach)), -1, kSide - 1);
    };
    const int x0 = first(std::min(a.x, b.x)), x1 = last(std::max(a.x, b.x));
    const int y0 = first(std::min(a.y, b.y)), y1 = last(std::max(a.y, b.y));
    const float dx = b.x - a.x, dy = b.y - a.y;
    const float inverse = 1.0F / std::max(dx * dx + dy * dy, 1e-9F);
    const float darken = 1.0F / softness;
    for (int y = y0; y <= y1; ++y) {
        for (int x = x0; x <= x1; ++x) {
            const float px = static_cast<float>(x) - a.x, py = static_cast<float>(y) - a.y;
            const float t = std::clamp((px * dx + py * dy) * inverse, 0.0F, 1.0F);
            const float ex = px - t * dx, ey = py - t * dy;
            const float radius = a.radius + t * (b.radius - a.radius);
            const float value = (radius - std::sqrt(ex * ex + ey * ey)) * darken + 0.5F;
            float& pixel = ink[static_cast<std::size_t>(y * kSide + x)];
            pixel = std::max(pixel, value);
        }
    }
}

/// Turns, slants, scales and centres the strokes: digits come out 16 to 22 pixels large, as in MNIST.
void place(Random& random, std::vector<std::vector<PenPoint>>& lines) {
    const double turn = 0.11 * std::clamp(random.normal(), -2.5, 2.5);
    const double slant = 0.12 + 0.2 * random.normal();
    const double aspect = random.uniform(0.58, 1.0);
    const auto cosine = static_cast<float>(std::cos(turn)), sine = static_cast<float>(std::sin(turn));
    const auto shear = static_cast<float>(std::clamp(slant, -0.4, 0.65)), width = static_cast<float>(aspect);
    float left = 1e9F, right = -1e9F, top = 1e9F, bottom = -1e9F;
    for (auto& line : lines) {
        for (PenPoint& point : line) {
            const float y = point.y - 0.5F, x = (point.x - 0.5F) * width - shear * y;
            point.x = cosine * x - sine * y;
            point.y = sine * x + cosine * y;
            left = std::min(left, point.x);
            right = std::max(right, point.x);
            top = std::min(top, point.y);
            bottom = std::max(bottom, point.y);
        }
    }
    const float scale = static_cast<float>(random.uniform(15.0, 19.5)) / std::max(right - left, bottom - top);
    const float shift_x =
        13.5F + static_cast<float>(random.uniform(-1.2, 1.2)) - 0.5F * (left + right) * scale;
    const float shift_y =
        13.5F + static_cast<float>(random.uniform(-1.2, 1.2)) - 0.5F * (top + bottom) * scale;
    for (auto& line : lines) {
        for (PenPoint& point : line) {
            point.x = point.x * scale + shift_x;
            point.y = point.y * scale + shift_y;
        }
    }
}

/// The pen's width breathes along the stroke and thins where it lands and lifts.
void press(Random& random, std::vector<std::vector<PenPoint>>& lines) {
    const double base = random.uniform(0.85, 1.75);
    const double breath = random.uniform(0, 0.22), pace = random.uniform(3, 9),
                 phase = random.uniform(0, 6.3);
    const double landing = random.uniform(0.6, 1.05), lifting = random.uniform(0.5, 1.0);
    for (auto& line : lines) {
        const double last = static_cast<double>(line.size() - 1);
        for (std::size_t i = 0; i < line.size(); ++i) {
            const double along = static_cast<double>(i) / last;
            const double start = std::min(1.0, landing + along * 6),
                         end = std::min(1.0, lifting + (1 - along) * 4);
            line[i].radius =
                static_cast<float>(base * (1 + breath * std::sin(pace * along + phase)) * start * end);
        }
    }
}

void draw_digit(Random random, std::int32_t digit, double noise, std::uint8_t* out) {
    const auto& styles = glyphs()[static_cast<std::size_t>(digit)];
    const Glyph& glyph = styles[random.below(static_cast<std::uint32_t>(styles.size()))];
    const Warp warp(random, random.uniform(0.01, 0.06));
    std::vector<std::vector<PenPoint>> lines(glyph.size());
    Stroke points;
    for (std::size_t i = 0; i < glyph.size(); ++i) {
        points = glyph[i];
        for (Control& point : points) {
            point.x += 0.02F * static_cast<float>(random.normal());
            point.y += 0.02F * static_cast<float>(random.normal());
            warp.apply(point.x, point.y);
        }
        flatten(points, lines[i]);
    }
    place(random, lines);
    press(random, lines);

    std::array<float, kPixels> ink{};
    const auto softness = static_cast<float>(random.uniform(1.0, 1.7));
    for (const auto& line : lines) {
        for (std::size_t i = 0; i + 1 < line.size(); ++i) draw_segment(line[i], line[i + 1], softness, ink);
    }
    const auto darkness = static_cast<float>(255 * random.uniform(0.85, 1.1));
    // The sum of four bytes is close to normal, with this standard deviation, and cheap.
    const auto grain = static_cast<float>(255 * noise / 147.8);
    for (std::size_t i = 0; i < kPixels; ++i) {
        const std::uint32_t word = random.next();
        const auto sum =
            static_cast<int>((word & 255U) + (word >> 8 & 255U) + (word >> 16 & 255U) + (word >> 24));
        const float value = darkness * std::min(ink[i], 1.0F) + grain * static_cast<float>(sum - 510);
        out[i] = static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F) + 0.5F);
    }
}

Samples make_set(const StrokesOptions& options, bool test, MemoryBudget* budget, const Progress& progress) {
    const std::int64_t count = test ? options.test_samples : options.train_samples;
    Samples samples;
    samples.reservation =
        reserve_samples(budget, count, kPixels, test ? "strokes test set" : "strokes training set");
    samples.shape = {2, {kSide, kSide, 1}};
    samples.scale = 1.0F / (255.0F * kDeviation);
    samples.offset = -kMean / kDeviation;
    samples.labels = balanced_labels(count, kDigits, options.seed,
                                     test ? StreamSet::test_labels : StreamSet::train_labels);
    auto& pixels =
        samples.values.emplace<std::vector<std::uint8_t>>(static_cast<std::size_t>(count) * kPixels);
    const StreamSet set = test ? StreamSet::test : StreamSet::train;
    const auto make = [&](std::int64_t sample) {
        const auto i = static_cast<std::size_t>(sample);
        draw_digit(Random(options.seed, stream_id(set, i)), samples.labels[i], options.noise,
                   pixels.data() + i * kPixels);
    };
    generate(count, options.threads, make, progress,
             test ? "drawing test digits" : "drawing training digits");
    return samples;
}

}  // namespace

const Schema& strokes_schema() {
    static const Schema schema = [] {
        Schema fields = generator_schema(12000, 2000);
        fields.push_back({"noise", FieldType::real, 0.05, "noise",
                          "Standard deviation of the noise on each pixel, as a part of full ink.", 0, 1});
        return fields;
    }();
    return schema;
}

Dataset make_strokes(const StrokesOptions& options, MemoryBudget* budget, const Progress& progress) {
    Dataset dataset;
    dataset.name = "strokes";
    dataset.train = make_set(options, false, budget, progress);
    dataset.test = make_set(options, true, budget, progress);
    for (std::int64_t digit = 0; digit < kDigits; ++digit)
        dataset.class_names.push_back(std::to_string(digit));
    const std::string identity =
        fmt::format("strokes 1 train_samples={} test_samples={} data_seed={} noise={}", options.train_samples,
                    options.test_samples, options.seed, options.noise);
    dataset.sha256 = sha256(std::as_bytes(std::span(identity)));
    return dataset;
}

Dataset load_strokes(const DatasetRequest& request) {
    StrokesOptions options;
    options.train_samples = request.options.at("train_samples").get<std::int64_t>();
    options.test_samples = request.options.at("test_samples").get<std::int64_t>();
    options.seed = request.options.at("data_seed").get<std::uint64_t>();
    options.noise = request.options.at("noise").get<double>();
    return make_strokes(options, request.budget, request.progress);
}

DatasetShape strokes_shape(const Json& /*options*/) { return {{2, {kSide, kSide, 1}}, kDigits}; }

}  // namespace spectral
