// Runs a target on every file of a folder, as an ordinary test: what a fuzzer found stays found.
//   fuzz_replay TARGET FOLDER
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "tests/fuzz/targets.hpp"

int main(int argc, char** argv) {
    using namespace spectral::fuzz;
    const std::map<std::string, bool (*)(Bytes)> targets{{"safetensors", safetensors},
                                                         {"npy", npy},
                                                         {"npz", npz},
                                                         {"foreign_hdf5", foreign_hdf5},
                                                         {"model_file", model_file},
                                                         {"index_codec", index_codec},
                                                         {"value_codec", value_codec},
                                                         {"packed_tensor", packed_tensor},
                                                         {"slices", slices},
                                                         {"numbers", numbers},
                                                         {"tar", tar},
                                                         {"wav", wav},
                                                         {"image", image}};
    if (argc != 3 || !targets.contains(argv[1])) {
        std::fprintf(stderr, "usage: fuzz_replay TARGET FOLDER\n");
        return 2;
    }
    std::size_t count = 0, accepted = 0;
    for (const auto& entry : std::filesystem::directory_iterator(argv[2])) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        try {
            if (targets.at(argv[1])({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}))
                ++accepted;
        } catch (const std::exception& failure) {
            std::fprintf(stderr, "%s: %s\n", entry.path().c_str(), failure.what());
            return 1;
        }
        ++count;
    }
    std::printf("%zu inputs, %zu of them accepted\n", count, accepted);
    return accepted > 0 ? 0 : 1;  // where none is, the target is not reached
}
