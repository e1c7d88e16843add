#include "engine/compress/slice_source.hpp"

#include <utility>

#include "engine/compress/list_source.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral {

namespace {

/// `count` slices of a view as one tensor, transformed along the view's other axes.
std::optional<Basis> block_basis(const Basis& whole, std::int64_t count) {
    const BasisChoice& choice = whole.choice();
    if (choice.kind == BasisKind::identity) return std::nullopt;
    std::vector<std::int64_t> extents(choice.view.extents().begin(), choice.view.extents().end());
    extents.front() = count;
    BasisChoice part = choice;
    part.view = Shape(std::span<const std::int64_t>(extents));
    std::erase(part.axes, 0);
    if (part.axes.empty()) return std::nullopt;
    return Basis(part.view, part);
}

}  // namespace

std::size_t block_transform_bytes(const Basis& whole, std::int64_t coefficients, std::int64_t values) {
    if (whole.choice().kind == BasisKind::identity) return 0;
    const auto kept = static_cast<std::size_t>(coefficients), made = static_cast<std::size_t>(values);
    // Two spectra and weights, or the rows of the cosine transform; places and values in another order.
    const std::size_t spectra = whole.parts() == 2 ? 3 * kept : 3 * (made + 1);
    return spectra * sizeof(Complex) + 3 * made * sizeof(float);
}

const BasisTransform* BlockTransform::of(std::int64_t count) {
    if (count != count_) {
        transform_.reset();
        if (const std::optional<Basis> basis = block_basis(whole_, count))
            transform_.emplace(device_, *basis, BasisTransform::Use::training);
        count_ = count;
    }
    return transform_ ? &*transform_ : nullptr;
}

ListSource::ListSource(Device device, Basis basis, std::vector<std::uint32_t> places,
                       const std::vector<float>& values)
    : device_(device),
      basis_(std::move(basis)),
      room_(device.budget.reserve(MemoryTag::parameters, places.size() * sizeof(std::uint32_t),
                                  "places on the host")),
      places_(std::move(places)),
      numbers_(device, MemoryTag::parameters, {std::ssize(places_) + 1, basis_.parts()}, kSliceHolder) {
    HostTensor padded{numbers_.shape(), values};
    padded.values.resize(static_cast<std::size_t>(numbers_.size()));
    numbers_.assign(device.backend, padded);
}

namespace {

/// W = leftᵀ·right, a slice for every row.
class FactorSource final : public SliceSource {
public:
    FactorSource(Device device, const PackedTensor& tensor)
        : device_(device),
          rows_(tensor.shape[0]),
          columns_(tensor.shape.size() / rows_),
          rank_(tensor.rank),
          left_(device, MemoryTag::parameters, {rank_, rows_}, kSliceHolder),
          right_(device, MemoryTag::parameters, {rank_, columns_}, kSliceHolder) {
        left_.assign(device.backend, {left_.shape(), unpack(tensor.lists[0], factor_basis(tensor, 0))});
        right_.assign(device.backend, {right_.shape(), unpack(tensor.lists[1], factor_basis(tensor, 1))});
    }

    std::int64_t slices() const override { return rows_; }
    std::int64_t slice_size() const override { return columns_; }
    std::size_t work_bytes(std::int64_t /*slices*/) const override { return 0; }
    double cost(std::int64_t slices) const override {
        return static_cast<double>(slices) * static_cast<double>(columns_) * static_cast<double>(rank_);
    }
    const Tensor* numbers() const override { return nullptr; }
    const std::vector<std::uint32_t>& places() const override { return no_places_; }

    std::unique_ptr<SliceBlock> block(std::int64_t /*slices*/) const override {
        class Block final : public SliceBlock {
        public:
            explicit Block(const FactorSource& source) : s_(source) {}
            void generate(std::int64_t first, std::int64_t count, float* out) override {
                s_.device_.backend.run(MatMul{count, s_.columns_, s_.rank_, true, false,
                                              s_.left_.data() + first, s_.rows_, s_.right_.data(),
                                              s_.columns_, 0, out, s_.columns_});
            }
            void add_gradient(std::int64_t, std::int64_t, const float*, float*) override {
                throw Error("implicit weights", "factors have no list of numbers to train");
            }

        private:
            const FactorSource& s_;
        };
        return std::make_unique<Block>(*this);
    }

private:
    Device device_;
    std::int64_t rows_, columns_, rank_;
    Tensor left_, right_;
    std::vector<std::uint32_t> no_places_;
};

}  // namespace

std::unique_ptr<SliceSource> make_slice_source(Device device, const PackedTensor& tensor) {
    if (tensor.rank > 0) return std::make_unique<FactorSource>(device, tensor);
    BasisChoice choice = tensor.basis;
    choice.order = {};  // slices are of the tensor as it is stored
    const Basis basis(tensor.shape, choice);
    if (choice.kind == BasisKind::random)
        throw Error("implicit weights", "a random basis is only there to compare with");
    const PackedList& list = tensor.lists.front();
    const std::vector<float> values = kept_numbers(list, basis);
    const std::vector<std::uint32_t> places = kept_indices(list, basis);
    const std::vector<int>& axes = basis.choice().axes;
    const bool mixes = !axes.empty() && axes.front() == 0;
    return (mixes ? make_mixed_source : make_own_source)(device, basis, places, values);
}

}  // namespace spectral
