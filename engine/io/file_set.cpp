#include "engine/io/file_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "engine/core/files.hpp"
#include "engine/io/input_file.hpp"
#include "engine/io/tar_archive.hpp"

namespace spectral {
namespace {

namespace fs = std::filesystem;

constexpr int kMaximumDepth = 16;

bool hidden(std::string_view name) {
    const std::size_t slash = name.rfind('/');
    return name.substr(slash == std::string_view::npos ? 0 : slash + 1).starts_with('.');
}

}  // namespace

FileSet::FileSet(const fs::path& path, const std::function<bool(std::string_view)>& wanted,
                 std::uint64_t maximum_bytes, const Progress& progress)
    : path_(path) {
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (!fs::exists(status))
        throw error("there is no such file or directory", "Check the name, or give another --data.");
    archive_ = !fs::is_directory(status);
    report(progress, "listing " + path.filename().string(), 0);
    if (archive_)
        list_archive(wanted, progress);
    else
        list_directory(wanted);
    std::ranges::sort(files_, {}, &Entry::name);
    const auto twice = std::ranges::adjacent_find(files_, {}, &Entry::name);
    if (twice != files_.end()) throw error("holds '" + twice->name + "' twice", "Make the archive again.");
    for (std::size_t i = 0; i < files_.size(); ++i)
        if (files_[i].bytes > maximum_bytes)
            throw error(i,
                        fmt::format("has {} bytes, more than the {} of any file of its kind", files_[i].bytes,
                                    maximum_bytes),
                        "Check that it is what its name says.");
}

void FileSet::list_directory(const std::function<bool(std::string_view)>& wanted) {
    std::error_code failure;
    fs::recursive_directory_iterator place(path_, failure);
    for (; !failure && place != fs::recursive_directory_iterator(); place.increment(failure)) {
        const std::string name = place->path().lexically_relative(path_).generic_string();
        if (hidden(name)) {
            place.disable_recursion_pending();
            continue;
        }
        if (place.depth() > kMaximumDepth)
            throw error("has folders too deep within each other", "Flatten it.");
        std::error_code unreadable;
        if (place->is_directory(unreadable) || !wanted(name)) continue;
        if (files_.size() == kMaximumFiles)
            throw error("has more than 1,000,000 files", "Take a part of it.");
        files_.push_back({name, require_regular_file(place->path())});
    }
    if (failure)
        throw error("cannot be listed: " + failure.message(), "Check that you may read the directory.");
}

void FileSet::list_archive(const std::function<bool(std::string_view)>& wanted, const Progress& progress) {
    TarReader reader(path_);
    TarMember member;
    const std::string what = "listing " + path_.filename().string();
    while (reader.next(member)) {
        report(progress, what, 0);
        if (!hidden(member.name) && wanted(member.name)) files_.push_back({member.name, member.bytes});
    }
}

Error FileSet::error(std::size_t index, std::string why, std::string hint) const {
    const std::string& name = files_[index].name;
    return {archive_ ? path_.string() + ": " + name : (path_ / name).string(), std::move(why),
            std::move(hint)};
}

std::string FileSet::read(const Visit& visit, MemoryBudget* budget, const Progress& progress) const {
    std::vector<std::string> hashes(files_.size());
    std::vector<std::uint8_t> bytes;
    const std::string what = "reading " + path_.filename().string();
    std::size_t done = 0;
    const auto take = [&](std::size_t index, const auto& fill) {
        report(progress, what, static_cast<double>(done++) / static_cast<double>(files_.size()));
        const auto size = static_cast<std::size_t>(files_[index].bytes);
        const Reservation room =
            budget ? budget->reserve(MemoryTag::workspace, size, "file being read") : Reservation{};
        bytes.resize(size);
        fill(std::span(bytes));
        hashes[index] = sha256(std::as_bytes(std::span(bytes)));
        try {
            visit(index, bytes);
        } catch (const OutOfMemory&) {
            throw;
        } catch (const Error& failure) {
            if (failure.subject().starts_with(path_.string())) throw;
            throw error(index, failure.why(), failure.hint());
        }
    };
    if (archive_) {
        TarReader reader(path_);
        TarMember member;
        std::vector<bool> seen(files_.size());
        while (reader.next(member)) {
            const auto found = std::ranges::lower_bound(files_, member.name, {}, &Entry::name);
            if (found == files_.end() || found->name != member.name) continue;
            const auto index = static_cast<std::size_t>(found - files_.begin());
            if (found->bytes != member.bytes || seen[index])
                throw error("changed while it was read", "Try again.");
            seen[index] = true;
            take(index, [&](std::span<std::uint8_t> target) { reader.read(target); });
        }
        if (std::ranges::find(seen, false) != seen.end())
            throw error("changed while it was read", "Try again.");
    } else {
        for (std::size_t i = 0; i < files_.size(); ++i) {
            const InputFile file(path_ / files_[i].name);
            if (file.bytes() != files_[i].bytes) throw error(i, "changed while it was read", "Try again.");
            take(i, [&](std::span<std::uint8_t> target) { file.read(0, std::as_writable_bytes(target)); });
        }
    }
    report(progress, what, 1);
    std::string all;
    for (std::size_t i = 0; i < files_.size(); ++i) all += files_[i].name + '\0' + hashes[i] + '\n';
    return sha256(std::as_bytes(std::span(all)));
}

}  // namespace spectral
