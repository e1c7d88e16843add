// replace_file: the old file or the whole new one, no temporary left; SHA-256 against its published values.
#include "engine/core/files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <thread>

#include "engine/core/error.hpp"
#include "sample_model.hpp"

namespace spectral::test {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

using Names = std::vector<std::string>;

TEST(Files, Sha256) {
    EXPECT_EQ(sha256({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    Sha256 pieces;
    pieces.update(bytes_of("a"));
    pieces.update({});
    pieces.update(bytes_of("bc"));
    EXPECT_EQ(pieces.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Files, ReplacesContents) {
    const ScratchFolder folder;
    replace_file(folder / "file", std::string_view("one"));
    replace_file(folder / "file", std::string_view(""));
    EXPECT_EQ(file_bytes(folder / "file"), "");
    replace_file(folder / "file", std::string(100'000, 'x'));
    EXPECT_EQ(file_bytes(folder / "file"), std::string(100'000, 'x'));
    EXPECT_EQ(names_in(folder.path()), Names{"file"});
}

TEST(Files, ReplaceableIsKnownBeforehandAndNothingChanges) {
    const ScratchFolder folder;
    replace_file(folder / "file", std::string_view("old"));
    require_replaceable(folder / "file");
    require_replaceable(folder / "new");
    EXPECT_EQ(file_bytes(folder / "file"), "old");
    EXPECT_EQ(names_in(folder.path()), Names{"file"});
    for (const fs::path& path : {folder / "no/folder", folder.path(), fs::path("/dev/full"), fs::path()})
        EXPECT_THROW(require_replaceable(path), Error) << path;
}

TEST(Files, RelativeNames) {
    const ScratchFolder folder;
    const fs::path before = fs::current_path();
    fs::current_path(folder.path());
    replace_file("file", std::string_view("here"));
    fs::current_path(before);
    EXPECT_EQ(file_bytes(folder / "file"), "here");
}

TEST(Files, FailedWriterLeavesThePreviousFile) {
    const ScratchFolder folder;
    replace_file(folder / "file", std::string_view("old"));
    EXPECT_THROW(replace_file(folder / "file",
                              [](const fs::path& temporary) {
                                  put_bytes(temporary, "half");
                                  throw Error("writer", "failed");
                              }),
                 Error);
    EXPECT_EQ(file_bytes(folder / "file"), "old");
    EXPECT_EQ(names_in(folder.path()), Names{"file"});
}

TEST(Files, KeepsPermissions) {
    const ScratchFolder folder;
    const mode_t before = umask(027);
    replace_file(folder / "new", std::string_view("x"));
    replace_file(folder / "private", std::string_view("x"));
    fs::permissions(folder / "private", fs::perms::owner_read | fs::perms::owner_write);
    replace_file(folder / "private", std::string_view("y"));
    umask(before);
    EXPECT_EQ(static_cast<unsigned>(fs::status(folder / "new").permissions()), 0640U);
    EXPECT_EQ(static_cast<unsigned>(fs::status(folder / "private").permissions()), 0600U);
}

TEST(Files, FollowsASymbolicLink) {
    const ScratchFolder folder;
    fs::create_directory(folder / "elsewhere");
    replace_file(folder / "elsewhere/file", std::string_view("old"));
    fs::create_symlink("elsewhere/file", folder / "link");
    replace_file(folder / "link", std::string_view("new"));
    EXPECT_TRUE(fs::is_symlink(folder / "link"));
    EXPECT_EQ(file_bytes(folder / "elsewhere/file"), "new");
}

TEST(Files, LeftoversOfDeadProcessesGo) {
    const ScratchFolder folder;
    const pid_t dead = fork();
    if (dead == 0) _exit(0);
    waitpid(dead, nullptr, 0);
    const std::string own = std::to_string(getpid()), living = std::to_string(getppid());
    put_bytes(folder / ("file.part-" + std::to_string(dead)), "left by a crash");
    put_bytes(folder / ("file.part-" + std::to_string(dead) + "-2"), "left by a crash");
    put_bytes(folder / ("file.part-" + own), "left by a process that had our number");
    put_bytes(folder / ("file.part-" + living), "in use");
    put_bytes(folder / "file.part-notes", "a user's");
    put_bytes(folder / ("other.part-" + std::to_string(dead)), "another file's");
    replace_file(folder / "file", std::string_view("new"));
    Names expected{"file", "file.part-" + living, "file.part-notes", "other.part-" + std::to_string(dead)};
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(names_in(folder.path()), expected);
}

TEST(Files, ThreadsWritingTheSameFileDoNotMeet) {
    const ScratchFolder folder;
    std::vector<std::thread> threads;
    for (char c = 'a'; c < 'e'; ++c)
        threads.emplace_back([&, c] {
            for (int i = 0; i < 20; ++i) replace_file(folder / "file", std::string(5000, c));
        });
    for (auto& thread : threads) thread.join();
    const std::string contents = file_bytes(folder / "file");
    EXPECT_EQ(contents, std::string(5000, contents.at(0)));
    EXPECT_EQ(names_in(folder.path()), Names{"file"});
}

}  // namespace
}  // namespace spectral::test
