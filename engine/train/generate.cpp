#include "engine/train/generate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/train/standardisation.hpp"
#include "engine/train/text_model.hpp"

namespace spectral {

namespace {

constexpr std::uint64_t kSampleStream = std::uint64_t{3} << 32;

/// From softmax(scores/temperature) by one uniform number; the likeliest, of equals the first, at 0.
std::int32_t draw(std::span<const float> scores, double temperature, double uniform) {
    const auto best = std::ranges::max_element(scores);
    if (temperature == 0) return static_cast<std::int32_t>(best - scores.begin());
    std::vector<double> sums;
    double sum = 0;
    for (const float score : scores) {
        sum += std::exp((static_cast<double>(score) - static_cast<double>(*best)) / temperature);
        sums.push_back(sum);
    }
    const auto found = std::ranges::upper_bound(sums, uniform * sum);
    return static_cast<std::int32_t>(std::min(found - sums.begin(), std::ssize(sums) - 1));
}

}  // namespace

std::vector<std::int32_t> continue_tokens(Device device, Model& model, std::int64_t classes,
                                          std::span<const std::int32_t> prompt, const Sampling& sampling,
                                          const Progress& progress) {
    if (prompt.empty()) throw BadValue("prompt", "is empty", "give the model something to go on from");
    if (!(sampling.temperature >= 0) || !std::isfinite(sampling.temperature))
        throw BadValue("temperature", "is not 0 or above",
                       "1 draws as the model says, 0 takes the likeliest");
    if (sampling.length < 0) throw BadValue("length", "is negative", "give a number of tokens");
    const std::int64_t context = model.predictions();
    const Tensor row(device, MemoryTag::workspace, {context}, "text to go on from");
    const Tensor scores(device, MemoryTag::workspace, {context, classes}, "scores of the next token");
    std::vector<std::int32_t> tokens(prompt.begin(), prompt.end());
    std::vector<float> window(static_cast<std::size_t>(context)), last(static_cast<std::size_t>(classes));
    Random random(sampling.seed, kSampleStream);
    for (std::int64_t i = 0; i < sampling.length; ++i) {
        report(progress, "generating text", static_cast<double>(i) / static_cast<double>(sampling.length));
        const std::int64_t seen = std::min(context, std::ssize(tokens));
        // What lies behind the last token is not looked at.
        std::ranges::fill(window, 0.0F);
        std::ranges::transform(tokens.end() - seen, tokens.end(), window.begin(),
                               [](std::int32_t token) { return static_cast<float>(token); });
        device.backend.copy_to_device(row.data(), window.data(), row.bytes());
        model.infer({.size = 1, .x = row.data(), .stride = context}, scores.data());
        device.backend.copy_to_host(last.data(), scores.data() + (seen - 1) * classes,
                                    last.size() * sizeof(float));
        tokens.push_back(draw(last, sampling.temperature, random.uniform()));
    }
    tokens.erase(tokens.begin(), tokens.begin() + std::ssize(prompt));
    return tokens;
}

std::int32_t starting_token(const Vocabulary& vocabulary) {
    const auto units = vocabulary.units();
    const auto line = std::ranges::find(units, U'\n');
    return line == units.end() ? 0 : static_cast<std::int32_t>(line - units.begin());
}

std::string generate_text(const ModelFile& file, const std::string& where,
                          std::optional<std::string_view> prompt, const Sampling& sampling,
                          const std::string& backend_name, const Progress& progress) {
    require_text_model(file, where);
    std::vector<std::int32_t> tokens;
    try {
        if (prompt)
            tokens = file.vocabulary.encode(*prompt);
        else
            tokens.push_back(starting_token(file.vocabulary));
    } catch (const Error& failure) {
        throw BadValue("prompt", failure.why(), "use what occurs in the text that the model was trained on");
    }
    MemoryBudget budget(available_memory());
    const TextModel opened = open_text_model(file, where, budget, backend_name);
    if (opened.model->predictions() != file.feature_shape->size())
        throw Error(
            where,
            fmt::format("its model, {}, tells one character behind a whole window", opened.config.model),
            "text comes from models that tell one at every place, as char-transformer");
    const std::vector<std::int32_t> added =
        continue_tokens(opened.device(), *opened.model, file.vocabulary.size(), tokens, sampling, progress);
    tokens.insert(tokens.end(), added.begin(), added.end());
    return file.vocabulary.decode(tokens);
}

std::string displayable(std::string_view text) {
    return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

}  // namespace spectral
