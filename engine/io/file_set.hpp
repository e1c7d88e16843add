// The files of a directory, or of a tar archive that holds one, as one list in one order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/memory_budget.hpp"
#include "engine/core/progress.hpp"

namespace spectral {

class FileSet {
public:
    struct Entry {
        std::string name;  ///< relative, with "/" between folders
        std::uint64_t bytes = 0;
        bool operator==(const Entry&) const = default;
    };
    static constexpr std::size_t kMaximumFiles = 1'000'000;

    /// Lists the files that `wanted` takes by their name, folders within folders included; names that begin
    /// with a dot are passed over, links to folders not followed. Throws Error naming what is absent,
    /// unreadable, damaged, or longer than `maximum_bytes`.
    FileSet(const std::filesystem::path& path, const std::function<bool(std::string_view)>& wanted,
            std::uint64_t maximum_bytes, const Progress& progress);

    /// Ascending by name, byte by byte: the same for a directory and for its archive.
    const std::vector<Entry>& files() const { return files_; }
    const std::filesystem::path& path() const { return path_; }

    /// Calls `visit` with the number and the bytes of every file once, in whatever order they come, and
    /// returns the SHA-256 of all names and contents. What it throws, and what `visit` throws without having
    /// named the file, names it. The bytes in hand are taken from `budget`.
    using Visit = std::function<void(std::size_t index, std::span<const std::uint8_t> bytes)>;
    std::string read(const Visit& visit, MemoryBudget* budget, const Progress& progress) const;

    /// About one of the files.
    Error error(std::size_t index, std::string why, std::string hint) const;
    /// About all of them.
    Error error(std::string why, std::string hint) const {
        return {path_.string(), std::move(why), std::move(hint)};
    }

private:
    void list_directory(const std::function<bool(std::string_view)>& wanted);
    void list_archive(const std::function<bool(std::string_view)>& wanted, const Progress& progress);

    std::filesystem::path path_;
    bool archive_ = false;
    std::vector<Entry> files_;
};

}  // namespace spectral
