// Readers of files.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/io/foreign_hdf5.hpp"
#include "engine/io/npy.hpp"
#include "engine/io/safetensors.hpp"
#include "tests/fuzz/targets.hpp"

namespace spectral::fuzz {

namespace {

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

void check(const ModelFile& model) {
    for (const LayerRecord& layer : model.layers)
        for (const NamedTensor& each : layer.tensors)
            if (!each.packed && std::ssize(each.tensor.values) != each.tensor.shape.size()) std::abort();
}

template <class Reader>
bool read(Bytes bytes, const Reader& reader) {
    static const InputPath input;
    MemoryBudget budget(std::size_t{64} << 20);
    Reservation room = budget.reserve(MemoryTag::data, 0, "input");
    try {
        check(reader(input.holding(bytes), room));
        return true;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

bool safetensors(Bytes bytes) {
    return read(bytes,
                [](const auto& path, Reservation& room) { return read_safetensors(path, &room).model; });
}

bool npy(Bytes bytes) {
    return read(bytes, [](const auto& path, Reservation& room) { return read_npy(path, &room).model; });
}

bool npz(Bytes bytes) {
    return read(bytes, [](const auto& path, Reservation& room) { return read_npz(path, &room).model; });
}

bool foreign_hdf5(Bytes bytes) {
    return read(bytes,
                [](const auto& path, Reservation& room) { return read_foreign_hdf5(path, &room).model; });
}

bool model_file(Bytes bytes) {
    return read(bytes, [](const auto& path, Reservation& room) {
        return read_model_file(path, &room, PackedTensors::keep);
    });
}

}  // namespace spectral::fuzz
