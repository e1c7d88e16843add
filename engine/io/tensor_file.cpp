#include "engine/io/tensor_file.hpp"

#include <array>
#include <utility>

#include "engine/io/foreign_hdf5.hpp"
#include "engine/io/hdf5.hpp"
#include "engine/io/input_file.hpp"
#include "engine/io/npy.hpp"
#include "engine/io/safetensors.hpp"

namespace spectral {

namespace {

bool begins_with(const std::filesystem::path& path, std::string_view magic) {
    const InputFile file(path);
    std::array<char, 8> first{};
    if (file.bytes() < magic.size()) return false;
    file.read(0, std::as_writable_bytes(std::span(first).first(magic.size())));
    return std::string_view(first.data(), magic.size()) == magic;
}

TensorFile foreign(TensorFormat format, ForeignTensors tensors) {
    return {format, std::move(tensors.model), std::move(tensors.skipped)};
}

}  // namespace

std::string_view tensor_format_name(TensorFormat format) {
    switch (format) {
        case TensorFormat::model:
            return "model";
        case TensorFormat::hdf5:
            return "hdf5";
        case TensorFormat::safetensors:
            return "safetensors";
        case TensorFormat::npy:
            return "npy";
        case TensorFormat::npz:
            return "npz";
    }
    return "?";
}

TensorFile read_tensor_file(const std::filesystem::path& path, Reservation* room, PackedTensors packed) {
    if (begins_with(path, kNpyMagic)) return foreign(TensorFormat::npy, read_npy(path, room));
    if (begins_with(path, kZipMagic)) return foreign(TensorFormat::npz, read_npz(path, room));
    if (is_safetensors(path)) return foreign(TensorFormat::safetensors, read_safetensors(path, room));
    if (hdf5::is_hdf5(path)) {
        if (is_model_file(path)) return {TensorFormat::model, read_model_file(path, room, packed), {}};
        return foreign(TensorFormat::hdf5, read_foreign_hdf5(path, room));
    }
    throw Error(path.string(), "is no model file, and of no other format that is read here",
                "Give a model file of Spectral Workbench, safetensors, .npy, .npz or HDF5.");
}

}  // namespace spectral
