#include "engine/train/stored_weight.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "engine/compress/basis_transform.hpp"
#include "engine/core/transfer.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/round.hpp"

namespace spectral {

namespace {

/// Numbers of one list, and the way between them and all coefficients of its basis.
class StoredList {
public:
    StoredList(Device device, const PackedList& list, const Basis& basis, const std::string& weight)
        : device_(device),
          list_(list),
          size_(basis.size()),
          parts_(basis.parts()),
          numbers_(device, "kept numbers", {list.count, parts_}, weight),
          // One row more than there are numbers: the zero that all other coefficients are.
          rounded_(device, MemoryTag::parameters, {list.count + 1, parts_}, weight + " rounded numbers"),
          all_(device, MemoryTag::parameters, {size_, parts_}, weight + " coefficients") {
        HostTensor start{numbers_.value.shape(), kept_numbers(list, basis)};
        numbers_.value.assign(device.backend, start);
        if (list.support == Support::all) return;
        const std::vector<std::uint32_t> kept = kept_indices(list, basis);
        std::vector<std::uint32_t> from(static_cast<std::size_t>(size_),
                                        static_cast<std::uint32_t>(list.count));
        for (std::size_t j = 0; j < kept.size(); ++j) from[kept[j]] = static_cast<std::uint32_t>(j);
        kept_ = upload(device, kept, MemoryTag::parameters, weight + " places");
        from_ = upload(device, from, MemoryTag::parameters, weight + " places");
    }

    Parameter& numbers() { return numbers_; }
    /// All coefficients: of the value, and of the gradient before it is pulled.
    float* all() const { return all_.data(); }

    /// The numbers' gradients out of all().
    void pull() {
        device_.backend.run(GatherRows{list_.count, parts_, all_.data(), parts_, kept_.as<std::uint32_t>(),
                                       numbers_.gradient.data(), parts_});
    }

    /// The numbers, rounded, into all().
    void push() {
        Backend& backend = device_.backend;
        const std::int64_t count = list_.count * parts_;
        const float* numbers = numbers_.value.data();
        if (list_.value_coding != ValueCoding::f32) {
            backend.run(RoundInBlocks{count, kScaleBlock, coding_levels(list_.value_coding), numbers,
                                      rounded_.data()});
        } else {
            backend.run(GatherRows{1, count, numbers, count, nullptr, rounded_.data(), count});
        }
        backend.run(GatherRows{size_, parts_, rounded_.data(), parts_, from_.as<std::uint32_t>(), all_.data(),
                               parts_});
    }

    PackedList packed() const {
        PackedList list = list_;
        CodedValues coded = encode_values(list.value_coding, numbers_.value.to_host(device_.backend).values);
        list.scale = coded.scale;
        list.values = std::move(coded.bytes);
        return list;
    }

private:
    Device device_;
    PackedList list_;
    std::int64_t size_;
    int parts_;
    Parameter numbers_;
    Tensor rounded_, all_;
    Buffer kept_, from_;  ///< none where all are kept
};

class BasisWeight final : public StoredWeight {
public:
    BasisWeight(Device device, Parameter& weight, const PackedTensor& tensor, const Basis& basis)
        : weight_(weight),
          tensor_(tensor),
          transform_(device, basis, BasisTransform::Use::training),
          list_(device, tensor.lists.front(), basis, weight.name) {
        BasisWeight::push_value();
    }

    std::vector<Parameter*> numbers() override { return {&list_.numbers()}; }
    void pull_gradient() override {
        transform_.inverse_adjoint(weight_.gradient.data(), list_.all());
        list_.pull();
    }
    void push_value() override {
        list_.push();
        transform_.inverse(list_.all(), weight_.value.data());
    }
    PackedTensor packed() const override {
        PackedTensor tensor = tensor_;
        tensor.lists = {list_.packed()};
        return tensor;
    }

private:
    Parameter& weight_;
    PackedTensor tensor_;
    BasisTransform transform_;
    StoredList list_;
};

/// W = leftᵀ·right.
class FactorWeight final : public StoredWeight {
public:
    FactorWeight(Device device, Parameter& weight, const PackedTensor& tensor)
        : device_(device),
          weight_(weight),
          tensor_(tensor),
          rows_(tensor.shape[0]),
          columns_(tensor.shape.size() / rows_),
          left_(device, tensor.lists[0], factor_basis(tensor, 0), weight.name + " left factor"),
          right_(device, tensor.lists[1], factor_basis(tensor, 1), weight.name + " right factor"),
          gradients_(device, MemoryTag::gradients, {tensor.rank, std::max(rows_, columns_)},
                     weight.name + " factor gradient") {
        FactorWeight::push_value();
    }

    std::vector<Parameter*> numbers() override { return {&left_.numbers(), &right_.numbers()}; }

    void pull_gradient() override {
        Backend& backend = device_.backend;
        const float* dw = weight_.gradient.data();
        const std::int64_t rank = tensor_.rank;
        // Both gradients need the factors as they were in the product, before either is overwritten.
        backend.run(MatMul{rank, rows_, columns_, false, true, right_.all(), columns_, dw, columns_, 0,
                           gradients_.data(), rows_});
        backend.run(MatMul{rank, columns_, rows_, false, false, left_.all(), rows_, dw, columns_, 0,
                           right_.all(), columns_});
        backend.run(
            GatherRows{1, rank * rows_, gradients_.data(), rank * rows_, nullptr, left_.all(), rank * rows_});
        left_.pull();
        right_.pull();
    }

    void push_value() override {
        left_.push();
        right_.push();
        device_.backend.run(MatMul{rows_, columns_, tensor_.rank, true, false, left_.all(), rows_,
                                   right_.all(), columns_, 0, weight_.value.data(), columns_});
    }

    PackedTensor packed() const override {
        PackedTensor tensor = tensor_;
        tensor.lists = {left_.packed(), right_.packed()};
        return tensor;
    }

private:
    Device device_;
    Parameter& weight_;
    PackedTensor tensor_;
    std::int64_t rows_, columns_;
    StoredList left_, right_;
    Tensor gradients_;
};

}  // namespace

std::unique_ptr<StoredWeight> make_stored_weight(Device device, Parameter& weight,
                                                 const PackedTensor& tensor) {
    require(tensor.shape == weight.value.shape(), "packed tensor", "it has another shape than the weight");
    if (tensor.rank > 0) return std::make_unique<FactorWeight>(device, weight, tensor);
    return std::make_unique<BasisWeight>(device, weight, tensor, Basis(tensor.shape, tensor.basis));
}

}  // namespace spectral
