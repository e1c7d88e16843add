// Text: vocabularies against their definition, windows, the split by position, and files that are refused.
#include "engine/data/text.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/data/features.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

using Tokens = std::vector<std::int32_t>;

TEST(Tokens, VocabularyIsWhatOccursSorted) {
    const Vocabulary letters(TokenUnit::character, "hello");
    EXPECT_EQ(letters.size(), 4);
    EXPECT_EQ(letters.encode("hello"), (Tokens{1, 0, 2, 2, 3}));
    EXPECT_EQ(letters.decode(Tokens{3, 2, 0, 1}), "oleh");
    const std::string text = "aé€😀\n \x7f" + std::string(1, '\0');
    const Vocabulary characters(TokenUnit::character, text);
    EXPECT_EQ(characters.size(), 8);
    EXPECT_EQ(characters.encode(text), (Tokens{3, 5, 6, 7, 1, 2, 4, 0}));
    EXPECT_EQ(characters.decode(characters.encode(text)), text);
    std::vector<std::string> names;
    for (std::int32_t i = 0; i < 8; ++i) names.push_back(characters.name(i));
    EXPECT_EQ(names, (std::vector<std::string>{"0x00", "\\n", "space", "a", "0x7f", "é", "€", "😀"}));
    const Vocabulary bytes(TokenUnit::byte, text);
    EXPECT_EQ(bytes.decode(bytes.encode(text)), text);
    EXPECT_EQ(bytes.encode(text).size(), text.size());
    EXPECT_EQ(Vocabulary(TokenUnit::byte, "\xff").name(0), "0xff");
    EXPECT_EQ(Vocabulary(TokenUnit::character, "").size(), 0);
    EXPECT_EQ(Vocabulary().encode(""), Tokens{});
}

TEST(Tokens, EveryCharacterComesBack) {
    std::string text;
    const std::vector<std::string> edges{
        "\x01",         "\x7f",         "\xc2\x80",     "\xdf\xbf",         "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    for (const std::string& each : edges) text += each;
    const Vocabulary vocabulary(TokenUnit::character, text);
    ASSERT_EQ(vocabulary.size(), std::ssize(edges));
    for (std::int32_t i = 0; i < vocabulary.size(); ++i)
        EXPECT_EQ(vocabulary.decode(Tokens{i}), edges[static_cast<std::size_t>(i)]);
}

TEST(Tokens, WhatIsNoUtf8IsRefusedWithItsPlace) {
    // A lone continuation, too long forms, a surrogate, past the last character, cut off.
    for (const std::string wrong : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                                    "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
                                    "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2\x82("}) {
        const std::string text = "ab" + wrong;
        EXPECT_NE(failure([&] { Vocabulary(TokenUnit::character, text); }).find("byte 2"), std::string::npos)
            << testing::PrintToString(wrong);
        EXPECT_NO_THROW(Vocabulary(TokenUnit::byte, text));
    }
    const Vocabulary letters(TokenUnit::character, "ac");
    EXPECT_EQ(failure([&] { letters.encode("ab"); }),
              "text: holds character U+0062, which the vocabulary does not have");
    EXPECT_NE(failure([&] { letters.encode("d"); }).find("U+0064"), std::string::npos);
    EXPECT_EQ(failure([&] { letters.decode(Tokens{2}); }), "token 2: the vocabulary has 2");
    EXPECT_EQ(failure([&] { letters.decode(Tokens{-1}); }), "token -1: the vocabulary has 2");
}

TEST(Tokens, WindowsAndWhatFollows) {
    for (const std::int64_t length : {0, 1, 2, 3, 5, 7, 11, 12, 13, 97})
        for (const std::int64_t context : {1, 2, 3, 11})
            for (const std::int64_t stride : {1, 2, 3, 7}) {
                TokenWindows windows;
                for (std::int32_t i = 0; i < length; ++i) windows.tokens.push_back(i);
                windows.vocabulary = length;
                windows.context = context;
                windows.stride = stride;
                std::int64_t expected = 0;
                for (std::int64_t first = 0; first + context < length; first += stride, ++expected) {
                    ASSERT_LT(expected, windows.count());
                    for (std::int64_t i = 0; i < context; ++i) {
                        const auto place = static_cast<std::size_t>(i);
                        EXPECT_EQ(windows.window(expected)[place], first + i);
                        EXPECT_EQ(windows.targets(expected)[place], first + i + 1);
                    }
                }
                EXPECT_EQ(windows.count(), expected) << length << " " << context << " " << stride;
            }
}

class Text : public testing::Test {
protected:
    Dataset load(const std::string& text, const Json& options) {
        put_bytes(path_, text);
        DatasetRequest request;
        request.path = path_.string();
        request.options = options;
        request.budget = &budget_;
        return load_dataset("text", request);
    }
    std::string refused(const std::string& text, const Json& options = Json::object()) {
        const std::string why = failure([&] { load(text, options); });
        EXPECT_EQ(why.find(path_.string() + ": "), 0U) << why;
        return why;
    }

    ScratchFolder folder_;
    std::filesystem::path path_ = folder_ / "some.txt";
    MemoryBudget budget_;
};

TEST_F(Text, LoadingTellsHowFarItIsAndCanBeEnded) {
    put_bytes(path_, std::string(std::size_t{9} << 20, 'a') + "b");
    const auto reports_until = [&](std::size_t most) {
        DatasetRequest request;
        request.path = path_.string();
        std::vector<double> parts;
        request.progress = [&](std::string_view, double part) {
            parts.push_back(part);
            return parts.size() < most;
        };
        try {
            load_dataset("text", request);
        } catch (const Cancelled&) {
            EXPECT_EQ(parts.size(), most);
        }
        return parts;
    };
    const std::vector<double> parts = reports_until(SIZE_MAX);
    EXPECT_TRUE(std::ranges::is_sorted(parts));
    EXPECT_EQ(parts.back(), 1);
    EXPECT_GE(parts.size(), 3U * 5);  // blocks of three passes over the text, and more
    for (std::size_t most = 1; most < parts.size(); ++most) EXPECT_EQ(reports_until(most).size(), most);
}

TEST_F(Text, IsSplitByPosition) {
    // 20 characters, of which the last 5 are for testing.
    const Dataset set = load("abcabdacbbacabcabdxy", {{"context", 3}, {"stride", 1}, {"test_share", 0.25}});
    EXPECT_EQ(set.class_names, (std::vector<std::string>{"a", "b", "c", "d", "x", "y"}));
    EXPECT_EQ(set.token_unit(), "character");
    const TokenWindows& train = *set.train.tokens();
    const TokenWindows& test = *set.test.tokens();
    EXPECT_EQ(set.vocabulary.decode(train.tokens), "abcabdacbbacabc");
    EXPECT_EQ(set.vocabulary.decode(test.tokens), "abdxy");
    EXPECT_EQ(set.train.count(), 12);
    EXPECT_EQ(set.test.count(), 2);
    EXPECT_EQ(set.test.labels, (Tokens{4, 5}));
    EXPECT_EQ(set.train.labels[0], 0);
    // One-hot, context × vocabulary.
    EXPECT_EQ(set.test.shape.size(), 18);
    std::vector<float> rows(36);
    set.test.read(0, 2, rows.data());
    std::vector<float> expected(36);
    for (const std::size_t i : {0U, 7U, 15U, 19U, 27U, 34U}) expected[i] = 1;
    EXPECT_EQ(rows, expected);
    std::vector<float> last(18);
    set.test.read(1, 1, last.data());
    EXPECT_TRUE(std::equal(last.begin(), last.end(), expected.begin() + 18));
    EXPECT_EQ(budget_.usage(MemoryTag::data).current, (15U + 12U + 5U + 2U) * 4U);
}

TEST_F(Text, IsTheSameAgainAndNamedByItsContent) {
    const Json options{{"context", 2}, {"test_share", 0.5}};
    const Dataset one = load("so it goes, so it goes", options),
                  two = load("so it goes, so it goes", options);
    EXPECT_EQ(one.train.values, two.train.values);
    EXPECT_EQ(one.test.labels, two.test.labels);
    EXPECT_EQ(one.sha256, two.sha256);
    EXPECT_NE(one.sha256, load("so it goes, so it went", options).sha256);
    EXPECT_EQ(one.train.tokens()->stride, 2);  // windows follow one another unless told
}

TEST_F(Text, TokensAreFeaturesToo) {
    const Dataset set = load("abcabdacbbacabcabdxy", {{"context", 3}, {"test_share", 0.25}});
    const auto backend = open_backend("cpu", 1);
    const Device device{*backend, budget_};
    const FeatureMatrix matrix = compute_features(device, set.train, "tokens", "test");
    EXPECT_EQ(matrix.columns, 3);
    EXPECT_EQ(matrix.rows, set.train.count());
    const std::vector<float> values = matrix.values.to_host(*backend).values;
    for (std::int64_t i = 0; i < matrix.rows; ++i)
        for (std::int64_t j = 0; j < matrix.stride; ++j)
            EXPECT_EQ(
                values[static_cast<std::size_t>(i * matrix.stride + j)],
                j < 3 ? static_cast<float>(set.train.tokens()->window(i)[static_cast<std::size_t>(j)]) : 0);
    const Samples signals{{1, {2}}, std::vector<float>{1, 2}, 1, 0, {0}, {}};
    EXPECT_NE(failure([&] { compute_features(device, signals, "tokens", "test"); }).find("no text"),
              std::string::npos);
}

TEST_F(Text, WhatIsTooShortOrNoTextIsRefused) {
    const Json halves{{"context", 2}, {"test_share", 0.5}};
    EXPECT_NO_THROW(load("abcabc", halves));
    for (const std::string text : {"", "a", "abcab"})
        EXPECT_NE(refused(text, halves).find("too short"), std::string::npos);
    EXPECT_NE(refused("abc\xff").find("byte 3"), std::string::npos);
    std::string many;
    for (int i = 0; i <= kTextMaximumVocabulary; ++i) {
        const int character = 0x4E00 + i;
        many += {static_cast<char>(0xE0 | character >> 12), static_cast<char>(0x80 | (character >> 6 & 0x3F)),
                 static_cast<char>(0x80 | (character & 0x3F))};
    }
    EXPECT_NE(refused(many).find("4097 different characters"), std::string::npos);
    EXPECT_NO_THROW(load(many, {{"unit", "byte"}}));
    std::filesystem::remove(path_);
    std::filesystem::create_directory(path_);
    DatasetRequest request;
    request.path = path_.string();
    EXPECT_NE(failure([&] { load_dataset("text", request); }).find("is a directory"), std::string::npos);
    request.path = (folder_ / "nowhere").string();
    EXPECT_NE(failure([&] { load_dataset("text", request); }).find("no such file"), std::string::npos);
    request.path.clear();
    EXPECT_NE(failure([&] { load_dataset("text", request); }).find("a text file, and none"),
              std::string::npos);
}

TEST_F(Text, LimitAndCancel) {
    budget_.set_limit(30);
    EXPECT_THROW(load("abcabdacbbacabcabdxy", {{"context", 3}}), OutOfMemory);
    EXPECT_EQ(budget_.total().current, 0U);
    DatasetRequest request;
    request.path = path_.string();
    request.progress = [](auto, auto) { return false; };
    EXPECT_THROW(load_dataset("text", request), Cancelled);
}

TEST(RealText, IsWhatItShouldBe) {
    const char* data = std::getenv("SPECTRAL_DATA");
    if (data == nullptr || *data == '\0') GTEST_SKIP() << "SPECTRAL_DATA is not set";
    DatasetRequest request;
    request.path = std::string(data) + "/text/tinyshakespeare.txt";
    request.options = {{"context", 8}, {"stride", 1}};
    const Dataset set = load_dataset("text", request);
    EXPECT_EQ(set.classes(), 65);
    EXPECT_EQ(set.train.count(), 1003855 - 8);
    EXPECT_EQ(set.test.count(), 111539 - 8);
    EXPECT_EQ(set.vocabulary.decode(set.train.tokens()->window(0)), "First Ci");
    EXPECT_EQ(set.class_names[static_cast<std::size_t>(set.train.labels[0])], "t");
}

}  // namespace
}  // namespace spectral::test
