#include "engine/io/file_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "engine/core/files.hpp"
#include "engine/io/input_file.hpp"
#include "engine/io/tar_archive.hpp"

namespace spectral {
namespace {

namespace fs = std::filesystem;

using HexHash = std::array<char, 64>;

/// The file itself, or a folder that it lies in.
bool hidden(std::string_view name) { return name.starts_with('.') || name.find("/.") != name.npos; }

}  // namespace

FileSet::FileSet(const fs::path& path, const Wanted& wanted, std::uint64_t maximum_bytes,
                 MemoryBudget* budget, const Progress& progress)
    : path_(path), budget_(budget), room_(reserve(0, "names of files")) {
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (!fs::exists(status))
        throw error("there is no such file or directory", "Check the name, or give another --data.");
    archive_ = !fs::is_directory(status);
    if (archive_)
        list_archive(wanted, progress);
    else
        list_directory(wanted, progress);
    std::ranges::sort(files_, {}, &Entry::name);
    const auto twice = std::ranges::adjacent_find(files_, {}, &Entry::name);
    if (twice != files_.end()) throw error("holds '" + twice->name + "' twice", "Make the archive again.");
    strip_common_folders();
    for (std::size_t i = 0; i < files_.size(); ++i)
        if (files_[i].bytes > maximum_bytes)
            throw error(i,
                        fmt::format("has {} bytes, more than the {} of any file of its kind", files_[i].bytes,
                                    maximum_bytes),
                        "Check that it is what its name says.");
}

Reservation FileSet::reserve(std::size_t bytes, std::string_view holder) const {
    return budget_ ? budget_->reserve(MemoryTag::workspace, bytes, holder) : Reservation{};
}

void FileSet::add(std::string name, std::uint64_t bytes) {
    if (files_.size() == kMaximumFiles) throw error("has more than 1,000,000 files", "Take a part of it.");
    if (name.size() > kMaximumNameBytes - name_bytes_)
        throw error("has files whose names fill more than 256 MiB",
                    "Take a part of it, or shorten the names.");
    name_bytes_ += name.size();
    room_.grow(name.size());
    if (files_.size() == files_.capacity()) {
        const std::size_t more = std::max<std::size_t>(files_.size(), 16);
        room_.grow(more * sizeof(Entry));
        files_.reserve(files_.size() + more);
    }
    files_.push_back({std::move(name), bytes});
}

void FileSet::list_directory(const Wanted& wanted, const Progress& progress) {
    const std::string what = "listing " + path_.filename().string();
    const auto unreadable = [](const fs::path& folder, const std::error_code& failure) {
        return Error(folder.string(), "cannot be listed: " + failure.message(),
                     "Check that you may read the directory.");
    };
    std::error_code failure;
    fs::recursive_directory_iterator place(path_, failure);
    if (failure) throw unreadable(path_, failure);
    while (place != fs::recursive_directory_iterator()) {
        report(progress, what, 0);
        const fs::path path = place->path();
        const std::string name = path.lexically_relative(path_).generic_string();
        std::error_code unknown;
        const bool folder = place->is_directory(unknown);
        if (hidden(name))
            place.disable_recursion_pending();
        else if (place.depth() > kMaximumDepth)
            throw error("has folders too deep within each other", "Flatten it.");
        else if (!folder && wanted(name))
            add(name, require_regular_file(path));
        // Where this fails, the iterator forgets its place: the folder that it was to enter or to go on with.
        const bool enters = folder && place.recursion_pending();
        place.increment(failure);
        if (failure) throw unreadable(enters ? path : path.parent_path(), failure);
    }
}

void FileSet::list_archive(const Wanted& wanted, const Progress& progress) {
    TarReader reader(path_);
    TarMember member;
    const std::string what = "listing " + path_.filename().string();
    report(progress, what, 0);
    while (reader.next(member)) {
        report(progress, what, 0);
        if (hidden(member.name)) continue;
        if (std::ranges::count(member.name, '/') > kMaximumDepth)
            throw error("has folders too deep within each other", "Flatten it.");
        if (wanted(member.name)) add(member.name, member.bytes);
    }
}

/// An archive mostly holds the folder that it was made of, and a directory is that folder.
void FileSet::strip_common_folders() {
    if (files_.empty()) return;
    // They are sorted: what the first and the last share, all share.
    const std::string_view first = files_.front().name;
    const auto shared = std::ranges::mismatch(first, files_.back().name).in1 - first.begin();
    const std::size_t slash = first.substr(0, static_cast<std::size_t>(shared)).rfind('/');
    if (slash == std::string_view::npos) return;
    common_ = first.substr(0, slash + 1);
    for (Entry& each : files_) each.name.erase(0, common_.size());
}

Error FileSet::error(std::size_t index, std::string why, std::string hint) const {
    const std::string name = common_ + files_[index].name;
    return {archive_ ? path_.string() + ": " + name : (path_ / name).string(), std::move(why),
            std::move(hint)};
}

void FileSet::read_directory(const Take& take) const {
    for (std::size_t i = 0; i < files_.size(); ++i) {
        const InputFile file(path_ / (common_ + files_[i].name));
        if (file.bytes() != files_[i].bytes) throw error(i, "changed while it was read", "Try again.");
        take(i, [&](std::span<std::uint8_t> target) { file.read(0, std::as_writable_bytes(target)); });
    }
}

void FileSet::read_archive(const Take& take) const {
    TarReader reader(path_);
    TarMember member;
    std::vector<bool> seen(files_.size());
    while (reader.next(member)) {
        if (!member.name.starts_with(common_)) continue;
        const std::string_view name = std::string_view(member.name).substr(common_.size());
        const auto found = std::ranges::lower_bound(files_, name, {}, &Entry::name);
        if (found == files_.end() || found->name != name) continue;
        const auto index = static_cast<std::size_t>(found - files_.begin());
        if (found->bytes != member.bytes || seen[index])
            throw error("changed while it was read", "Try again.");
        seen[index] = true;
        take(index, [&](std::span<std::uint8_t> target) { reader.read(target); });
    }
    if (std::ranges::find(seen, false) != seen.end()) throw error("changed while it was read", "Try again.");
}

std::string FileSet::read(const Visit& visit, const Progress& progress) const {
    // An archive has them in another order than the digest.
    const Reservation hashes_room = reserve(files_.size() * sizeof(HexHash), "hashes of files");
    std::vector<HexHash> hashes(files_.size());
    Reservation room;
    std::vector<std::uint8_t> buffer;  // as large as the largest so far
    const std::string what = "reading " + path_.filename().string();
    std::size_t done = 0;
    const Take take = [&](std::size_t index, const auto& fill) {
        report(progress, what, static_cast<double>(done++) / static_cast<double>(files_.size()));
        const auto size = static_cast<std::size_t>(files_[index].bytes);
        if (size > buffer.size()) {
            buffer = std::vector<std::uint8_t>();
            room = Reservation{};
            room = reserve(size, "file being read");
            buffer.resize(size);
        }
        const std::span bytes = std::span(buffer).first(size);
        fill(bytes);
        std::ranges::copy(sha256(std::as_bytes(bytes)), hashes[index].begin());
        try {
            visit(index, bytes);
        } catch (const OutOfMemory&) {
            throw;
        } catch (const Error& failure) {
            if (failure.subject().starts_with(path_.string())) throw;
            throw error(index, failure.why(), failure.hint());
        }
    };
    if (archive_)
        read_archive(take);
    else
        read_directory(take);
    report(progress, what, 1);
    Sha256 all;
    const auto update = [&](std::string_view text) { all.update(std::as_bytes(std::span(text))); };
    for (std::size_t i = 0; i < files_.size(); ++i) {
        update({files_[i].name.c_str(), files_[i].name.size() + 1});  // with its zero
        update({hashes[i].data(), hashes[i].size()});
        update("\n");
    }
    return all.hex();
}

}  // namespace spectral
