// Hostile bytes as a file, for readers that ask for a path.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/targets.hpp"

namespace spectral::fuzz {

/// One for all inputs of a process, in memory where the system has a folder for that: HDF5 asks for a real
/// path.
class InputPath {
public:
    InputPath() {
        std::error_code none;
        const std::filesystem::path memory = "/dev/shm";
        const auto folder =
            std::filesystem::is_directory(memory, none) ? memory : std::filesystem::temp_directory_path();
        path_ = folder / ("spectral-fuzz-" + std::to_string(getpid()));
    }
    InputPath(const InputPath&) = delete;
    InputPath& operator=(const InputPath&) = delete;
    ~InputPath() {
        std::error_code none;
        std::filesystem::remove(path_, none);
    }
    const std::filesystem::path& holding(Bytes bytes) const {
        std::ofstream file(path_, std::ios::binary | std::ios::trunc);
        file.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
        if (!file.flush()) std::abort();
        return path_;
    }

private:
    std::filesystem::path path_;
};

}  // namespace spectral::fuzz
