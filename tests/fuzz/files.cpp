// Readers of files.
#include <cstdlib>

#include "engine/io/foreign_hdf5.hpp"
#include "engine/io/npy.hpp"
#include "engine/io/safetensors.hpp"
#include "tests/fuzz/input_path.hpp"
#include "tests/fuzz/targets.hpp"

namespace spectral::fuzz {

namespace {

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
