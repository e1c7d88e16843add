// Slices that have coefficients of their own.
#include <algorithm>
#include <utility>

#include "engine/compress/list_source.hpp"
#include "kernels/ops/gather.hpp"

namespace spectral {

namespace {

/// The first axis is not transformed: every slice has coefficients of its own.
class OwnSource final : public ListSource {
public:
    using ListSource::ListSource;
    std::int64_t slice_coefficients() const { return basis().size() / slices(); }
    std::size_t work_bytes(std::int64_t slices) const override {
        const std::int64_t kept = slices * slice_coefficients();
        const auto parts = static_cast<std::size_t>(basis().parts());
        return static_cast<std::size_t>(kept) * (2 * sizeof(std::uint32_t) + parts * sizeof(float)) +
               block_transform_bytes(basis(), kept, slices * slice_size());
    }
    std::unique_ptr<SliceBlock> block(std::int64_t slices) const override;
};

class OwnBlock final : public SliceBlock {
public:
    OwnBlock(const OwnSource& source, std::int64_t slices)
        : source_(source),
          parts_(source.basis().parts()),
          rows_(source.device(), MemoryTag::workspace,
                static_cast<std::size_t>(slices * source.slice_coefficients()) * sizeof(std::uint32_t),
                kSliceHolder),
          coefficients_(slice_area(source.device(), slices * source.slice_coefficients() * parts_)),
          transform_(source.device(), source.basis()) {}

    void generate(std::int64_t first, std::int64_t count, float* out) override {
        Backend& backend = source_.device().backend;
        const auto [begin, end] = entries(first, count);
        const std::int64_t size = count * source_.slice_coefficients();
        // Coefficients that are not kept take the row of zeros behind the numbers.
        const Reservation room = source_.device().budget.reserve(
            MemoryTag::workspace, static_cast<std::size_t>(size) * sizeof(std::uint32_t),
            "places on the host");
        std::vector<std::uint32_t> row(static_cast<std::size_t>(size),
                                       static_cast<std::uint32_t>(source_.count()));
        for (std::int64_t e = begin; e < end; ++e) row[place(e, first)] = static_cast<std::uint32_t>(e);
        backend.copy_to_device(rows_.data(), row.data(), row.size() * sizeof(std::uint32_t));
        const BasisTransform* transform = transform_.of(count);
        float* to = transform != nullptr ? coefficients_.data() : out;
        backend.run(GatherRows{size, parts_, source_.numbers()->data(), parts_, rows_.as<std::uint32_t>(), to,
                               parts_});
        if (transform != nullptr) transform->inverse(to, out);
    }

    void add_gradient(std::int64_t first, std::int64_t count, const float* d_out, float* d_numbers) override {
        Backend& backend = source_.device().backend;
        const auto [begin, end] = entries(first, count);
        if (begin == end) return;
        std::vector<std::uint32_t> kept;
        for (std::int64_t e = begin; e < end; ++e) kept.push_back(place(e, first));
        const BasisTransform* transform = transform_.of(count);
        if (transform != nullptr) {
            transform->inverse_adjoint(d_out, coefficients_.data());
            d_out = coefficients_.data();
        }
        backend.copy_to_device(rows_.data(), kept.data(), kept.size() * sizeof(std::uint32_t));
        // No other block has these numbers.
        backend.run(GatherRows{end - begin, parts_, d_out, parts_, rows_.as<std::uint32_t>(),
                               d_numbers + begin * parts_, parts_});
    }

private:
    std::pair<std::int64_t, std::int64_t> entries(std::int64_t first, std::int64_t count) const {
        const std::vector<std::uint32_t>& places = source_.places();
        const std::int64_t each = source_.slice_coefficients();
        const auto at = [&](std::int64_t place) {
            return std::lower_bound(places.begin(), places.end(), static_cast<std::uint64_t>(place)) -
                   places.begin();
        };
        return {at(first * each), at((first + count) * each)};
    }
    std::uint32_t place(std::int64_t entry, std::int64_t first_slice) const {
        return source_.places()[static_cast<std::size_t>(entry)] -
               static_cast<std::uint32_t>(first_slice * source_.slice_coefficients());
    }

    const OwnSource& source_;
    std::int64_t parts_;
    Buffer rows_;
    Tensor coefficients_;
    BlockTransform transform_;
};

std::unique_ptr<SliceBlock> OwnSource::block(std::int64_t slices) const {
    return std::make_unique<OwnBlock>(*this, slices);
}

}  // namespace

std::unique_ptr<SliceSource> make_own_source(Device device, const Basis& basis,
                                             const std::vector<std::uint32_t>& places,
                                             const std::vector<float>& values) {
    return std::make_unique<OwnSource>(device, basis, places, values);
}

}  // namespace spectral
