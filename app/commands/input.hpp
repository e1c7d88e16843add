// The file that a command works on: a model, or weights that another program wrote.
#pragma once

#include <string>

#include "engine/io/tensor_file.hpp"

namespace spectral::app {

/// What can be given: for the help of an option.
inline constexpr const char* kInputHelp = "model file, or weights as safetensors, .npy, .npz or HDF5";

class Input {
public:
    /// Says on standard error which tensors are left out. Throws Error as read_tensor_file(), and OutOfMemory
    /// where the weights do not fit in the memory that is free.
    explicit Input(const std::string& path, PackedTensors packed = PackedTensors::unpack);

    const ModelFile& model() const { return file_.model; }
    const TensorFile& file() const { return file_; }

private:
    MemoryBudget budget_;
    Reservation room_;
    TensorFile file_;
};

}  // namespace spectral::app
