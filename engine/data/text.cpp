#include "engine/data/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/files.hpp"
#include "engine/data/split.hpp"
#include "engine/io/input_file.hpp"

namespace spectral {
namespace {

/// `tokens` of the stream from `first` on, and the label of every window.
Samples make_set(std::span<const std::int32_t> tokens, const Vocabulary& vocabulary, std::int64_t context,
                 std::int64_t stride) {
    TokenWindows windows;
    windows.tokens.assign(tokens.begin(), tokens.end());
    windows.vocabulary = vocabulary.size();
    windows.context = context;
    windows.stride = stride;
    Samples samples;
    samples.shape = {2, {context, vocabulary.size()}};
    samples.labels.reserve(static_cast<std::size_t>(windows.count()));
    for (std::int64_t i = 0; i < windows.count(); ++i) samples.labels.push_back(windows.targets(i).back());
    samples.values = std::move(windows);
    return samples;
}

/// `heed` is told what part has come.
std::string read_text(const InputFile& file, Reservation& room, std::string& digest,
                      const std::function<void(double)>& heed) {
    constexpr std::size_t kBlockBytes = std::size_t{4} << 20;
    if (file.bytes() > kTextMaximumBytes) throw file.error("is longer than 1 GiB", "Take a part of it.");
    room.grow(static_cast<std::size_t>(file.bytes()));
    std::string text(static_cast<std::size_t>(file.bytes()), '\0');
    Sha256 hash;
    for (std::size_t done = 0; done < text.size(); done += kBlockBytes) {
        heed(static_cast<double>(done) / static_cast<double>(text.size()));
        const auto block =
            std::as_writable_bytes(std::span(text)).subspan(done, std::min(kBlockBytes, text.size() - done));
        file.read(done, block);
        hash.update(block);
    }
    digest = hash.hex();
    return text;
}

}  // namespace

const Schema& text_schema() {
    static const Schema schema = [] {
        Schema fields{
            {"context", FieldType::integer, 16, "context", "Characters that the next one is told from.", 1,
             65536},
            {"stride", FieldType::integer, 0, "stride",
             "Characters from the start of a window to that of the next; 0: as many as the context, "
             "so that windows do not overlap.",
             0, 65536},
            test_share_field(),
            {"unit", FieldType::choice, "character", "unit",
             "What a token is: a character of UTF-8, or a byte."}};
        fields.back().choices = {"character", "byte"};
        return fields;
    }();
    return schema;
}

Dataset load_text(const DatasetRequest& request) {
    const auto context = request.options.at("context").get<std::int64_t>();
    auto stride = request.options.at("stride").get<std::int64_t>();
    if (stride == 0) stride = context;
    const auto share = request.options.at("test_share").get<double>();
    const TokenUnit unit = request.options.at("unit") == "byte" ? TokenUnit::byte : TokenUnit::character;

    const InputFile file(request.path);
    const std::string what = "reading " + file.path().filename().string();
    report(request.progress, what, 0);
    const auto reserve = [&](const char* holder) {
        return request.budget ? request.budget->reserve(MemoryTag::data, 0, holder) : Reservation{};
    };
    Reservation text_room = reserve("text as read");
    Dataset dataset;
    dataset.name = "text";
    const std::string text = read_text(file, text_room, dataset.sha256,
                                       [&](double part) { report(request.progress, what, 0.4 * part); });
    const auto at = [&](double part) { return [&, part] { report(request.progress, what, part); }; };
    std::vector<std::int32_t> tokens;
    Reservation token_room = reserve("tokens as read");
    try {
        dataset.vocabulary = Vocabulary(unit, text, at(0.4));
        token_room.grow(count_units(unit, text, at(0.6)) * sizeof(std::int32_t));
        tokens = dataset.vocabulary.encode(text, at(0.8));
    } catch (const OutOfMemory&) {
        throw;
    } catch (const Error& failure) {
        throw file.error(failure.why(), failure.hint());
    }
    if (dataset.vocabulary.size() > kTextMaximumVocabulary)
        throw file.error(fmt::format("has {} different characters; at most {} can be told apart",
                                     dataset.vocabulary.size(), kTextMaximumVocabulary),
                         "Take its bytes instead (--unit byte).");

    const auto total = static_cast<std::int64_t>(tokens.size());
    const auto tail = static_cast<std::int64_t>(std::llround(share * static_cast<double>(total)));
    const std::int64_t head = total - tail;
    if (head <= context || tail <= context)
        throw file.error(
            fmt::format("is too short: it has {} characters, {} for training and {} for testing, and each "
                        "part needs {}, a window and the next one",
                        total, head, tail, context + 1),
            "Take a longer text or a smaller --context, or another --test-share.");
    const auto make = [&](std::int64_t first, std::int64_t length, const char* holder) {
        Reservation room = reserve(holder);
        room.grow(static_cast<std::size_t>(length + (length - context - 1) / stride + 1) *
                  sizeof(std::int32_t));
        Samples samples = make_set(
            std::span(tokens).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(length)),
            dataset.vocabulary, context, stride);
        samples.reservation = std::move(room);
        return samples;
    };
    dataset.train = make(0, head, "training text");
    dataset.test = make(head, tail, "test text");
    for (std::int32_t token = 0; token < dataset.vocabulary.size(); ++token)
        dataset.class_names.push_back(dataset.vocabulary.name(token));
    report(request.progress, what, 1);
    return dataset;
}

}  // namespace spectral
