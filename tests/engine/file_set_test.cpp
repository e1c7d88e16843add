// Directories and tar archives as lists of files, and the spoken digits that are read from them.
#include "engine/io/file_set.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <map>

#include "engine/data/speech.hpp"
#include "engine/io/tar_archive.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/engine/wav_files.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

void write_gzip(const fs::path& path, const std::string& bytes) {
    const gzFile file = gzopen(path.c_str(), "wb9");
    ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())),
              static_cast<int>(bytes.size()));
    gzclose(file);
}

class FileSets : public testing::Test {
protected:
    fs::path put(const std::string& name, const std::string& bytes) const {
        fs::create_directories((folder_ / name).parent_path());
        put_bytes(folder_ / name, bytes);
        return folder_ / name;
    }
    /// Contents by name, and the hash under "".
    static std::map<std::string, std::string> all(const fs::path& path, std::uint64_t limit = 10000) {
        const FileSet files(path, [](std::string_view name) { return !name.ends_with(".md"); }, limit,
                            nullptr, {});
        std::map<std::string, std::string> found;
        found[""] = files.read(
            [&](std::size_t i, std::span<const std::uint8_t> bytes) {
                found[files.files()[i].name] = {bytes.begin(), bytes.end()};
            },
            {});
        return found;
    }
    std::string refused(const std::string& bytes) const {
        const fs::path path = put("broken.tar", bytes);
        const std::string why = failure([&] { all(path); });
        EXPECT_EQ(why.find(path.string()), 0U) << why;
        return why;
    }

    ScratchFolder folder_;
};

TEST_F(FileSets, DirectoryAndArchiveAreTheSame) {
    const Members members{{"b/two", std::string(513, '2')},
                          {"a", ""},
                          {"b/one", "1"},
                          {"c", std::string(512, 'c')},
                          {"notes.md", "passed over"},
                          {"b/.hidden", "passed over"},
                          {".git/b/three", "passed over"},
                          {"b/.cache/four", "passed over"}};
    for (const auto& [name, contents] : members) put("set/" + name, contents);
    const auto directory = all(folder_ / "set");
    EXPECT_EQ(directory.size(), 5U);
    EXPECT_EQ(directory.at("b/two"), std::string(513, '2'));
    EXPECT_EQ(directory.at("a"), "");
    EXPECT_EQ(all(put("set.tar", tar(members))), directory);
    Members turned(members.rbegin(), members.rend());
    for (auto& [name, contents] : turned) name = "./" + name;
    write_gzip(folder_ / "set.tar.gz", tar_member("./", "", '5') + tar(turned));
    EXPECT_EQ(all(folder_ / "set.tar.gz"), directory);
    put("set/a", "other");
    EXPECT_NE(all(folder_ / "set").at(""), directory.at(""));
}

TEST_F(FileSets, FoldersThatAllFilesLieInAreNoPartOfTheirNames) {
    const Members members{{"b/two", "2"}, {"a", "1"}, {"bc/two", "3"}};
    Members within;
    for (const auto& [name, contents] : members) {
        put("set/some/folder/" + name, contents);
        within.emplace_back("./some//folder/./" + name, contents);
    }
    within.emplace_back("other/notes.md", "passed over");
    const auto folder = all(folder_ / "set/some/folder");
    EXPECT_EQ(folder.at("bc/two"), "3");
    EXPECT_EQ(all(folder_ / "set"), folder);
    EXPECT_EQ(all(put("set.tar", tar(within))), folder);
    // What goes wrong is told with the whole name.
    EXPECT_NE(refused(tar({{"x/y/a", std::string(10001, '.')}})).find(": x/y/a: has 10001"),
              std::string::npos);
    const auto one = all(put("one.tar", tar({{"x/y/a", "1"}})));
    EXPECT_EQ(one.at("a"), "1");
}

TEST_F(FileSets, DepthIsLimitedInBoth) {
    std::string name;
    for (int i = 0; i < 16; ++i) name += "f/";
    put("deep/" + name + "a", "1");
    EXPECT_EQ(all(folder_ / "deep"), all(put("deep.tar", tar({{name + "a", "1"}}))));
    put("deep/" + name + "f/a", "1");
    EXPECT_NE(failure([&] { all(folder_ / "deep"); }).find("too deep"), std::string::npos);
    EXPECT_NE(refused(tar({{name + "f/a", "1"}})).find("too deep"), std::string::npos);
}

TEST_F(FileSets, NamesComeOutOfTheBudget) {
    Members members;
    for (int i = 0; i < 1000; ++i) members.emplace_back(fmt::format("{:090}", i), "");
    const fs::path path = put("names.tar", tar(members));
    const auto list = [&](MemoryBudget& budget) {
        return FileSet(path, [](std::string_view) { return true; }, 1, &budget, {});
    };
    MemoryBudget wide, small(90 * 1000);
    {
        const FileSet files = list(wide);
        EXPECT_GE(wide.total().current, 1000 * (90 + sizeof(FileSet::Entry)));
    }
    EXPECT_EQ(wide.total().current, 0U);
    EXPECT_THROW(list(small), OutOfMemory);
}

TEST_F(FileSets, LongNamesOfBothKinds) {
    const std::string name = std::string(150, 'n') + "/" + std::string(150, 'm');
    const std::string end(1024, '\0');
    const auto expect_long = [&](const std::string& bytes) {
        const auto found = all(put("long.tar", bytes));
        ASSERT_EQ(found.count(name), 1U);
        EXPECT_EQ(found.at(name), "contents");
        EXPECT_EQ(found.at("short"), "other");
    };
    expect_long(tar_member("././@LongLink", name + std::string(1, '\0'), 'L') +
                tar_member("cut", "contents") + tar_member("short", "other") + end);
    const std::string record = " path=" + name + "\n";
    const std::string pax = std::to_string(record.size() + 3) + record + "10 size=8\n13 mtime=1.5\n";
    expect_long(tar_member("header", pax, 'x') + tar_member("cut", "contents") +
                tar_member("short", "other") + end);
    // What was said of a link is not said of the file behind it.
    const auto links = all(put("links.tar", tar_member("header", pax, 'x') + tar_member("link", "", '2') +
                                                tar_member("short", "other") + end));
    EXPECT_EQ(links.size(), 2U);
    EXPECT_EQ(links.at("short"), "other");
}

TEST_F(FileSets, DamagedArchivesAreRefused) {
    const std::string sound = tar({{"a", "first"}, {"b", std::string(700, 'b')}});
    for (const std::size_t length : {std::size_t{512}, std::size_t{516}, std::size_t{1023}, std::size_t{1025},
                                     std::size_t{1600}, sound.size() - 1025})
        EXPECT_NE(refused(sound.substr(0, length)).find("truncated"), std::string::npos) << length;
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{511}})
        EXPECT_NE(refused(sound.substr(0, length)).find("is no tar archive"), std::string::npos) << length;
    // The zeros at the end may be missing, and a header that tells of a member to come may not be the last.
    EXPECT_EQ(all(put("open.tar", sound.substr(0, sound.size() - 1024))), all(put("whole.tar", sound)));
    EXPECT_NE(refused(tar_member("a", "1") + tar_member("header", "9 path=b\n", 'x')).find("truncated"),
              std::string::npos);
    std::string wrong = sound;
    wrong[0] = 'x';
    EXPECT_NE(refused(wrong).find("is no tar archive"), std::string::npos);
    EXPECT_NE(refused(std::string(600, 'x')).find("is no tar archive"), std::string::npos);
    wrong = sound;
    wrong[1024 + 130] = '9';
    EXPECT_NE(refused(wrong).find("header is damaged"), std::string::npos);
    for (const std::string name : {"/etc/passwd", "../up", "a/../../b", "..", "line\nbreak"})
        EXPECT_NE(refused(tar({{name, ""}})).find(name.front() == 'l' ? "control characters" : "outside"),
                  std::string::npos)
            << name;
    EXPECT_NE(refused(tar({{"a", ""}, {"./a", ""}})).find("'a' twice"), std::string::npos);
    EXPECT_NE(refused(tar({{"a", std::string(10001, '.')}})).find("10001 bytes"), std::string::npos);
    for (const std::string pax : {"x", "5 a=", "99 path=a\n", "12 size=12a\n", "6 path\n", "0 path=a\n",
                                  "24 size=9999999999999999999\n", "20 size=99999999999\n"})
        EXPECT_NE(refused(tar_member("header", pax, 'x') + tar({{"a", ""}})), "nothing was thrown") << pax;
    EXPECT_NE(refused(tar_member("name", std::string(70000, 'n'), 'L') + tar({})).find("too long"),
              std::string::npos);
    std::string large = tar({{"a", ""}});
    large.replace(124, 12, std::string("\x80\0\0\0\x7f\0\0\0\0\0\0\0", 12));  // base 256
    std::size_t sum = 0;
    large.replace(148, 8, "        ");
    for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(large[i]);
    large.replace(148, 7, fmt::format("{:06o}", sum) + std::string(1, '\0'));
    EXPECT_NE(refused(large), "nothing was thrown");
}

TEST_F(FileSets, CompressedArchivesThatAreDamagedAreRefused) {
    const fs::path path = folder_ / "set.tar.gz";
    write_gzip(path, tar({{"a", std::string(3000, 'a')}}));
    const std::string sound = file_bytes(path);
    for (std::size_t length = 2; length < sound.size(); length += 7) {
        put_bytes(path, sound.substr(0, length));
        EXPECT_NE(failure([&] { all(path); }).find("truncated"), std::string::npos) << length;
    }
    std::string wrong = sound;
    wrong[wrong.size() - 8] = static_cast<char>(~wrong[wrong.size() - 8]);  // the checksum
    put_bytes(path, wrong);
    EXPECT_NE(failure([&] { all(path); }).find("damaged"), std::string::npos);
}

std::string spoken(std::int16_t level, std::size_t length) {
    std::string data;
    for (std::size_t i = 0; i < length; ++i)
        data += little_endian(static_cast<std::uint16_t>(i % 2 == 0 ? level : -level), 2);
    return wav({}, data);
}

class Speech : public FileSets {
protected:
    static Dataset load(const fs::path& path, const Json& options, MemoryBudget* budget = nullptr) {
        DatasetRequest request;
        request.path = path.string();
        request.options = options;
        request.budget = budget;
        return load_dataset("speech", request);
    }
    Members members_{{"recordings/7_theo_5.wav", spoken(8192, 13)},
                     {"recordings/0_theo_4.wav", spoken(16384, 3)},
                     {"recordings/3_a_b_12.wav", spoken(4096, 100)},
                     {"recordings/9_jo_0.wav", spoken(2048, 1)}};
    Json waveform_{{"representation", "waveform"}, {"seconds", 0.002}};  // 16 samples
};

TEST(RecordingNames, AreParsed) {
    const auto good = parse_recording_name("some/folder/7_george_12.wav");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->digit, 7);
    EXPECT_EQ(good->index, 12);
    EXPECT_EQ(parse_recording_name("0_a_b_3.WAV")->index, 3);
    for (const std::string wrong :
         {"", ".wav", "7.wav", "7_1.wav", "7__1.wav", "x_george_1.wav", "12_george_1.wav", "7_george_.wav",
          "7_george_-1.wav", "7_george_1x.wav", "7_george_99999999999999999999.wav", "7_george_1.mp3"})
        EXPECT_FALSE(parse_recording_name(wrong)) << wrong;
}

TEST_F(Speech, IsCutPaddedAndSplit) {
    const Dataset set = load(put("set.tar", tar(members_)), waveform_);
    EXPECT_EQ(set.train.labels, (std::vector<std::int32_t>{3, 7}));  // in the order of the names
    EXPECT_EQ(set.test.labels, (std::vector<std::int32_t>{0, 9}));
    EXPECT_EQ(set.classes(), 10);
    EXPECT_EQ(set.train.shape.size(), 16);
    const auto& train = std::get<std::vector<float>>(set.train.values);
    for (std::size_t i = 0; i < 16; ++i) {
        EXPECT_EQ(train[i], i % 2 == 0 ? 0.125F : -0.125F);
        EXPECT_EQ(train[16 + i], i >= 13 ? 0 : i % 2 == 0 ? 0.25F : -0.25F);
    }
    for (const auto& [name, contents] : members_) put("set/" + name, contents);
    const Dataset same = load(folder_ / "set", waveform_);
    EXPECT_EQ(same.train.values, set.train.values);
    EXPECT_EQ(same.test.values, set.test.values);
    EXPECT_EQ(same.sha256, set.sha256);
    const Dataset pictures = load(folder_ / "set", {{"seconds", 0.002}, {"window", 8}, {"hop", 3}});
    EXPECT_EQ(pictures.train.shape.rank, 2);
    EXPECT_EQ(pictures.train.shape.extent[0], 3);
    EXPECT_EQ(pictures.train.shape.extent[1], 5);
}

TEST_F(Speech, WhatIsWrongIsNamed) {
    const auto refused = [&](const std::string& path, const Json& options = Json::object()) {
        return failure([&] { load(folder_ / path, options); });
    };
    const auto expect_says = [](const std::string& text, const std::string& part) {
        EXPECT_NE(text.find(part), std::string::npos) << text;
    };
    fs::create_directories(folder_ / "set");
    expect_says(refused("set"), "set: holds no WAV file");
    expect_says(refused("nowhere"), "nowhere: there is no such");
    put("set/1_a_7.wav", spoken(1, 5));
    expect_says(refused("set"), "no recording for testing");
    fs::rename(folder_ / "set/1_a_7.wav", folder_ / "set/1_a_1.wav");
    expect_says(refused("set"), "no recording for training");
    put("set/1_a_7.wav", "RIFF");
    expect_says(refused("set"), (folder_ / "set/1_a_7.wav").string() + ": is no WAV file");
    put("set/1_a_7.wav", "");
    expect_says(refused("set"), "1_a_7.wav: is no WAV file");
    put("set.tar", tar({{"1_a_7.wav", spoken(1, 5)}, {"x/1_a_1.wav", spoken(1, 5).substr(0, 50)}}));
    expect_says(refused("set.tar"), "set.tar: x/1_a_1.wav: is truncated");
    put("set/1_a_7.wav", spoken(1, 5));
    EXPECT_NO_THROW(load(folder_ / "set", {}));
    expect_says(refused("set", {{"seconds", 0.01}}), "80 samples are fewer than the window's 256");
    expect_says(refused("set", {{"seconds", 60}, {"rate", 96000}, {"window", 65536}, {"hop", 1}}), "4 GiB");
    put("set/one_a_7.wav", spoken(1, 5));
    expect_says(refused("set"), "one_a_7.wav: its name is not of the form");
    MemoryBudget small(1000);
    fs::remove(folder_ / "set/one_a_7.wav");
    EXPECT_THROW(load(folder_ / "set", {}, &small), OutOfMemory);
    EXPECT_EQ(small.total().current, 0U);
}

TEST(RealSpeech, IsWhatItShouldBe) {
    const char* data = std::getenv("SPECTRAL_DATA");
    if (data == nullptr || *data == '\0') GTEST_SKIP() << "SPECTRAL_DATA is not set";
    DatasetRequest request;
    request.path = std::string(data) + "/speech/fsdd.tar.gz";
    request.options = {{"representation", "waveform"}, {"seconds", 0.25}};
    const Dataset set = load_dataset("speech", request);
    EXPECT_EQ(set.train.count(), 2700);
    EXPECT_EQ(set.test.count(), 300);
    EXPECT_EQ(set.train.shape.size(), 2000);
    std::map<std::int32_t, int> counts;
    for (const std::int32_t label : set.train.labels) ++counts[label];
    for (std::int32_t digit = 0; digit < 10; ++digit) EXPECT_EQ(counts[digit], 270);
}

}  // namespace
}  // namespace spectral::test
