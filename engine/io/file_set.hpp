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
    static constexpr std::size_t kMaximumNameBytes = std::size_t{256} << 20;  ///< of all names
    static constexpr std::ptrdiff_t kMaximumDepth = 16;                       ///< folders within each other

    /// Lists the files that `wanted` takes by their name, folders within folders included; files and folders
    /// whose name begins with a dot are passed over, links to folders not followed. The names are taken from
    /// `budget`, where there is one. Throws Error naming what is absent, unreadable, damaged, or longer than
    /// `maximum_bytes`.
    FileSet(const std::filesystem::path& path, const std::function<bool(std::string_view)>& wanted,
            std::uint64_t maximum_bytes, MemoryBudget* budget, const Progress& progress);

    /// Ascending by name, byte by byte, without the folders that all of them lie in: the same for a
    /// directory, for its archive, and for an archive of the folder around it.
    const std::vector<Entry>& files() const { return files_; }
    const std::filesystem::path& path() const { return path_; }

    /// Calls `visit` with the number and the bytes of every file once, in whatever order they come, and
    /// returns the SHA-256 of all names and contents. What it throws, and what `visit` throws without having
    /// named the file, names it. The bytes in hand are taken from the budget.
    using Visit = std::function<void(std::size_t index, std::span<const std::uint8_t> bytes)>;
    std::string read(const Visit& visit, const Progress& progress) const;

    /// About one of the files.
    Error error(std::size_t index, std::string why, std::string hint) const;
    /// About all of them.
    Error error(std::string why, std::string hint) const {
        return {path_.string(), std::move(why), std::move(hint)};
    }

private:
    using Wanted = std::function<bool(std::string_view)>;
    using Take = std::function<void(std::size_t index, const std::function<void(std::span<std::uint8_t>)>&)>;
    void list_directory(const Wanted& wanted, const Progress& progress);
    void list_archive(const Wanted& wanted, const Progress& progress);
    void add(std::string name, std::uint64_t bytes);
    void strip_common_folders();
    void read_directory(const Take& take) const;
    void read_archive(const Take& take) const;
    Reservation reserve(std::size_t bytes, std::string_view holder) const;

    std::filesystem::path path_;
    bool archive_ = false;
    MemoryBudget* budget_;
    Reservation room_;    ///< of the list
    std::string common_;  ///< in front of every name: "cifar-10-batches-bin/", or empty
    std::size_t name_bytes_ = 0;
    std::vector<Entry> files_;
};

}  // namespace spectral
