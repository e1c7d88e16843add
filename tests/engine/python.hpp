// Scripts of the tests, run by a Python that has h5py.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>

namespace spectral::test {

/// A Python that can import h5py, or empty.
inline std::string python_with_h5py() {
    const char* chosen = std::getenv("SPECTRAL_PYTHON");
    for (const std::string& python :
         {std::string(chosen ? chosen : ""), std::string("/usr/bin/python3"), std::string("python3")})
        if (!python.empty() &&
            std::system(("'" + python + "' -c 'import h5py' >/dev/null 2>&1").c_str()) == 0)
            return python;
    return {};
}

/// What the script, the first of `arguments`, prints.
inline std::string output_of(const std::string& python,
                             std::initializer_list<std::filesystem::path> arguments) {
    std::string command = "'" + python + "' -B";
    for (const std::filesystem::path& each : arguments) command += " '" + each.string() + "'";
    const auto close = [](FILE* pipe) { pclose(pipe); };
    const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
    std::string output;
    std::array<char, 4096> block{};
    if (pipe == nullptr) return output;
    for (std::size_t count = 0; (count = fread(block.data(), 1, block.size(), pipe.get())) > 0;)
        output.append(block.data(), count);
    return output;
}

}  // namespace spectral::test
