// What is trained of a weight that is stored packed: the numbers that the file keeps, in the places where it
// keeps them. The weight itself follows from them.
#pragma once

#include <memory>
#include <vector>

#include "engine/compress/packed_tensor.hpp"
#include "engine/nn/layer.hpp"

namespace spectral {

class StoredWeight {
public:
    StoredWeight() = default;
    StoredWeight(const StoredWeight&) = delete;
    StoredWeight& operator=(const StoredWeight&) = delete;
    virtual ~StoredWeight() = default;

    /// Their values are not rounded yet; their tensors stay where they are.
    virtual std::vector<Parameter*> numbers() = 0;
    /// The numbers' gradients from the weight's, which passes through their rounding as if there were none
    /// (Bengio, Léonard & Courville 2013, "straight-through").
    virtual void pull_gradient() = 0;
    /// The weight's value from the numbers, rounded as their coding will.
    virtual void push_value() = 0;
    /// As it will be stored: the same places and codings. Its relative error is still that of the tensor it
    /// began with.
    virtual PackedTensor packed() const = 0;
};

/// `weight` outlives it; its value becomes what `tensor` unpacks to. Throws Error on damaged bytes, and as
/// memory runs out.
std::unique_ptr<StoredWeight> make_stored_weight(Device device, Parameter& weight,
                                                 const PackedTensor& tensor);

}  // namespace spectral
