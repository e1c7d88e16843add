// Readers of files, which see the bytes as a file in memory.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "engine/io/foreign_hdf5.hpp"
#include "engine/io/npy.hpp"
#include "engine/io/safetensors.hpp"
#include "tests/fuzz/targets.hpp"

namespace spectral::fuzz {

namespace {

/// Never on a disk; one for all inputs of a process.
class FileInMemory {
public:
    explicit FileInMemory(Bytes bytes) {
        static const int descriptor = memfd_create("input", MFD_CLOEXEC);
        descriptor_ = descriptor;
        if (ftruncate(descriptor_, 0) != 0 ||
            pwrite(descriptor_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
            std::abort();
    }
    std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

private:
    int descriptor_ = -1;
};

void check(const ModelFile& model) {
    for (const LayerRecord& layer : model.layers)
        for (const NamedTensor& each : layer.tensors)
            if (!each.packed && std::ssize(each.tensor.values) != each.tensor.shape.size()) std::abort();
}

template <class Reader>
void read(Bytes bytes, const Reader& reader) {
    const FileInMemory file(bytes);
    MemoryBudget budget(std::size_t{64} << 20);
    Reservation room = budget.reserve(MemoryTag::data, 0, "input");
    try {
        check(reader(file.path(), room));
    } catch (const Error&) {
    }
}

}  // namespace

void safetensors(Bytes bytes) {
    read(bytes, [](const auto& path, Reservation& room) { return read_safetensors(path, &room).model; });
}

void npy(Bytes bytes) {
    read(bytes, [](const auto& path, Reservation& room) { return read_npy(path, &room).model; });
}

void npz(Bytes bytes) {
    read(bytes, [](const auto& path, Reservation& room) { return read_npz(path, &room).model; });
}

void foreign_hdf5(Bytes bytes) {
    read(bytes, [](const auto& path, Reservation& room) { return read_foreign_hdf5(path, &room).model; });
}

void model_file(Bytes bytes) {
    read(bytes, [](const auto& path, Reservation& room) {
        return read_model_file(path, &room, PackedTensors::keep);
    });
}

}  // namespace spectral::fuzz
