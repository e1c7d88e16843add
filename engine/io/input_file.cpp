#include "engine/io/input_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace spectral {

std::uint64_t require_regular_file(const std::filesystem::path& path) {
    std::error_code failure;
    const auto status = std::filesystem::status(path, failure);
    if (!std::filesystem::exists(status)) {
        std::error_code unknown;
        const std::filesystem::path here = std::filesystem::current_path(unknown);
        throw Error(path.string(), "no such file",
                    path.is_relative() && !unknown ? "check the name; it was looked for in " + here.string()
                                                   : "check the name and the folder");
    }
    if (std::filesystem::is_directory(status))
        throw Error(path.string(), "is a directory, and a file is needed", "give the name of a file in it");
    if (!std::filesystem::is_regular_file(status))
        throw Error(path.string(), "is not a regular file", "give a file: pipes and devices are not read");
    const std::uint64_t bytes = std::filesystem::file_size(path, failure);
    if (failure) throw Error(path.string(), failure.message());
    return bytes;
}

InputFile::InputFile(const std::filesystem::path& path)
    : path_(path),
      bytes_(require_regular_file(path)),
      descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw error("cannot be opened: " + std::generic_category().message(errno));
}

InputFile::~InputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> target) const {
    constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;
    if (offset > bytes_ || target.size() > bytes_ - offset) throw error("ends before all of it is there");
    while (!target.empty()) {
        const ssize_t got = ::pread(descriptor_, target.data(), std::min(target.size(), kMostAtOnce),
                                    static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw error("cannot be read: " + std::generic_category().message(errno));
        if (got == 0) throw error("became shorter while it was read");
        offset += static_cast<std::uint64_t>(got);
        target = target.subspan(static_cast<std::size_t>(got));
    }
}

bool starts_with(const std::filesystem::path& path, std::string_view start) {
    const InputFile file(path);
    if (file.bytes() < start.size()) return false;
    std::string there(start.size(), '\0');
    file.read(0, std::as_writable_bytes(std::span(there)));
    return there == start;
}

}  // namespace spectral
