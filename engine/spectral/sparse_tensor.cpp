#include "engine/spectral/sparse_tensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine/core/finite.hpp"
#include "engine/core/transfer.hpp"
#include "engine/spectral/index_codec.hpp"
#include "kernels/ops/reduce.hpp"
#include "kernels/ops/select.hpp"
#include "kernels/ops/sparse.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

constexpr const char* kHolder = "sparse spectrum";

template <class T>
Buffer upload(Device device, const std::vector<T>& values, MemoryTag tag = MemoryTag::workspace) {
    return upload(device, values, tag, kHolder);
}

/// Σ weight·|x|²; `weight` in backend memory.
double energy_of(Device device, std::int64_t size, const Complex* x, const std::uint8_t* weight) {
    const auto doubles = [&](std::int64_t count) {
        return Buffer(device, MemoryTag::workspace, static_cast<std::size_t>(count) * sizeof(double),
                      kHolder);
    };
    const Buffer result = doubles(1), scratch = doubles(ComplexEnergy::scratch_size(size));
    device.backend.run(ComplexEnergy{size, x, weight, result.as<double>(), scratch.as<double>()});
    return download<double>(device.backend, result.data(), 1)[0];
}

[[noreturn]] void refuse_values(Device device, const Tensor& dense) {
    const HostTensor host = dense.to_host(device.backend);
    const auto bad = first_not_finite(host.values);
    if (!bad) throw Error("spectrum", "its energy is beyond what numbers hold", "scale the tensor down");
    throw Error("spectrum",
                fmt::format("the value at [{}] is {}", host.shape.place_text(static_cast<std::int64_t>(*bad)),
                            host.values[*bad]),
                "compress finite values only");
}

void check(const Keep& keep) {
    const auto refuse = [&](const char* what, const char* range) {
        throw Error(what, fmt::format("{:g} is not {}", keep.value, range));
    };
    const double value = keep.value;
    switch (keep.by) {
        case Keep::By::density:
            if (!(value > 0 && value <= 1)) refuse("density", "above 0 and at most 1");
            break;
        case Keep::By::count:
            if (!(value >= 1 && value == std::floor(value)))
                refuse("number of coefficients", "a positive integer");
            break;
        case Keep::By::error:
            if (!(value >= 0 && value < 1)) refuse("relative error", "at least 0 and below 1");
            break;
        case Keep::By::energy:
            if (!(value > 0 && value <= 1)) refuse("energy", "above 0 and at most 1");
            break;
        case Keep::By::bytes:
            if (!(value >= 1 && value == std::floor(value))) refuse("number of bytes", "a positive integer");
            break;
    }
}

/// Degrees of freedom of the shortest beginning, in the order of selection, behind which at most `rest` of
/// the energy is left.
std::int64_t freedom_for(const HalfSpectrum& spectrum, const std::vector<Complex>& values, double rest) {
    std::vector<std::uint32_t> order(values.size());
    std::iota(order.begin(), order.end(), 0U);
    std::erase_if(order, [&](std::uint32_t i) { return spectrum.freedom(i) == 0; });
    std::ranges::stable_sort(order, std::greater{}, [&](std::uint32_t i) { return energy_key(values[i]); });
    std::int64_t freedom = 0;
    for (const std::uint32_t i : order) freedom += spectrum.freedom(i);
    double dropped = 0;
    for (auto i = order.rbegin(); i != order.rend(); ++i) {
        dropped += spectrum.freedom(*i) * std::norm(std::complex<double>(values[*i]));
        if (dropped > rest) break;
        freedom -= spectrum.freedom(*i);
    }
    return std::max<std::int64_t>(freedom, 1);
}

/// Ascending indices with the mirrors that are stored too, ascending.
std::vector<std::uint32_t> with_mirrors(const HalfSpectrum& spectrum, std::vector<std::uint32_t> index) {
    const auto count = static_cast<std::ptrdiff_t>(index.size());
    for (std::ptrdiff_t j = 0; j < count; ++j) {
        const std::uint32_t each = index[static_cast<std::size_t>(j)];
        const std::optional<std::int64_t> mirror = spectrum.mirror(each);
        if (mirror && *mirror != each) index.push_back(static_cast<std::uint32_t>(*mirror));
    }
    std::sort(index.begin() + count, index.end());
    std::inplace_merge(index.begin(), index.begin() + count, index.end());
    return index;
}

/// Ascending indices of the largest coefficients that `freedom` degrees pay for.
std::vector<std::uint32_t> select(Device device, const HalfSpectrum& spectrum, const Complex* values,
                                  std::int64_t freedom) {
    Backend& backend = device.backend;
    const std::int64_t size = spectrum.size(), room = std::min(freedom, size);
    const auto bytes = [&](std::int64_t count, std::size_t each) {
        return Buffer(device, MemoryTag::workspace, static_cast<std::size_t>(count) * each, kHolder);
    };
    const Buffer weights = upload(device, spectrum.freedoms());
    const Buffer index = bytes(room, sizeof(std::uint32_t)), kept = bytes(room, sizeof(Complex)),
                 count = bytes(1, sizeof(std::int64_t)),
                 scratch = bytes(TopK::scratch_size(size), sizeof(std::int64_t));
    backend.run(TopK{size, freedom, values, weights.as<std::uint8_t>(), index.as<std::uint32_t>(),
                     kept.as<Complex>(), count.as<std::int64_t>(), scratch.as<std::int64_t>()});
    const std::int64_t found = download<std::int64_t>(backend, count.data(), 1)[0];
    return with_mirrors(spectrum, download<std::uint32_t>(backend, index.data(), found));
}

std::size_t bytes_of(const HalfSpectrum& spectrum, const std::vector<std::uint32_t>& index,
                     ValueCoding coding) {
    return coded_index_bytes(smallest_index_coding(index, spectrum.size()), index, spectrum.size()) +
           coded_value_bytes(coding, 2 * std::ssize(index));
}

/// By bisection: more coefficients never take fewer bytes.
std::int64_t freedom_within(Device device, const HalfSpectrum& spectrum, const Complex* values,
                            const Keep& keep) {
    const auto bytes = [&](std::int64_t freedom) {
        return bytes_of(spectrum, select(device, spectrum, values, freedom), keep.coding);
    };
    std::int64_t low = 1, high = spectrum.values();
    const std::size_t smallest = bytes(low);
    if (static_cast<double>(smallest) > keep.value)
        throw Error("number of bytes", fmt::format("{:g} hold no coefficient", keep.value),
                    fmt::format("give {} or more", smallest));
    while (low < high) {
        const std::int64_t middle = low + (high - low + 1) / 2;
        if (static_cast<double>(bytes(middle)) <= keep.value)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

std::int64_t freedom_for(Device device, const HalfSpectrum& spectrum, const Complex* values, double energy,
                         const Keep& keep) {
    const auto all = static_cast<double>(spectrum.values());
    switch (keep.by) {
        case Keep::By::density:
            return std::max<std::int64_t>(1, std::llround(keep.value * all));
        case Keep::By::count:
            return static_cast<std::int64_t>(std::min(keep.value, all));
        case Keep::By::error:
        case Keep::By::energy:
        case Keep::By::bytes:
            break;
    }
    if (keep.by == Keep::By::bytes) return freedom_within(device, spectrum, values, keep);
    const double fraction = keep.by == Keep::By::error ? keep.value * keep.value : 1 - keep.value;
    return freedom_for(spectrum, download<Complex>(device.backend, values, spectrum.size()),
                       fraction * energy);
}

}  // namespace

SparseSpectralTensor::SparseSpectralTensor(Device device, const Shape& shape,
                                           std::vector<std::uint32_t> index)
    : shape_(shape),
      spectrum_(shape),
      host_index_(std::move(index)),
      index_(upload(device, host_index_, MemoryTag::parameters)),
      values_(device, MemoryTag::parameters, host_index_.size() * sizeof(Complex), kHolder) {}

SparseSpectralTensor SparseSpectralTensor::largest_of(Device device, const Shape& shape, const Complex* all,
                                                      double energy, double norm, const Keep& keep) {
    const HalfSpectrum spectrum(shape);
    Backend& backend = device.backend;
    const std::int64_t freedom = freedom_for(device, spectrum, all, energy, keep);
    SparseSpectralTensor result(device, shape, select(device, spectrum, all, freedom));
    backend.run(SparseGather{result.count(), result.index(), all, result.values()});
    // Both energies of the same numbers: their difference is what was dropped, to the last digits.
    result.energy_ = result.measured_energy(device) / (norm * norm);
    result.source_energy_ = std::max(energy / (norm * norm), result.energy_);
    // Every coefficient by the same number, as if they were a batch.
    const Buffer scale = upload(device, std::vector<Complex>{static_cast<float>(1 / norm)});
    backend.run(
        SpectralMultiply{result.count(), 1, false, result.values(), scale.as<Complex>(), result.values()});
    return result;
}

SparseSpectralTensor SparseSpectralTensor::from_dense(Device device, const Tensor& dense, const Keep& keep) {
    check(keep);
    const HalfSpectrum spectrum(dense.shape());
    const Tensor all(device, MemoryTag::workspace, {spectrum.size()}, kHolder, DType::complex64);
    device.backend.run(Rfft{1, spectrum.signal(), dense.data(), all.complex_data()});
    const double energy = energy_of(device, spectrum.size(), all.complex_data(),
                                    upload(device, spectrum.energy_weights()).as<std::uint8_t>());
    if (!std::isfinite(energy)) refuse_values(device, dense);
    return largest_of(device, dense.shape(), all.complex_data(), energy,
                      std::sqrt(static_cast<double>(spectrum.values())), keep);
}

SparseSpectralTensor SparseSpectralTensor::from_spectrum(Device device, const Shape& shape,
                                                         const Complex* all, const Keep& keep) {
    check(keep);
    const HalfSpectrum spectrum(shape);
    const double energy =
        energy_of(device, spectrum.size(), all, upload(device, spectrum.energy_weights()).as<std::uint8_t>());
    require(std::isfinite(energy), "spectrum", "its energy is beyond what numbers hold",
            "scale the tensors down");
    return largest_of(device, shape, all, energy, 1, keep);
}

SparseSpectralTensor SparseSpectralTensor::from_values(Device device, const Shape& shape,
                                                       std::vector<std::uint32_t> index,
                                                       const Complex* values) {
    SparseSpectralTensor result(device, shape, std::move(index));
    if (result.count() > 0) device.backend.copy_on_device(result.values(), values, result.values_.bytes());
    result.energy_ = result.source_energy_ = result.measured_energy(device);
    require(std::isfinite(result.energy_), "sparse spectrum", "its energy is beyond what numbers hold",
            "scale the tensors down");
    return result;
}

SparseSpectralTensor SparseSpectralTensor::project(Device device, const Tensor& dense,
                                                   std::vector<std::uint32_t> index) {
    const HalfSpectrum spectrum(dense.shape());
    const auto complex = [&](std::int64_t size) {
        return Tensor(device, MemoryTag::workspace, {size}, kHolder, DType::complex64);
    };
    const Tensor all = complex(spectrum.size()), kept = complex(std::ssize(index));
    device.backend.run(Rfft{1, spectrum.signal(), dense.data(), all.complex_data()});
    const Buffer places = upload(device, index);
    device.backend.run(
        SparseGather{std::ssize(index), places.as<std::uint32_t>(), all.complex_data(), kept.complex_data()});
    const Buffer scale = upload(
        device, std::vector<Complex>(
                    index.size(), static_cast<float>(1 / std::sqrt(static_cast<double>(spectrum.values())))));
    device.backend.run(SpectralMultiply{1, std::ssize(index), false, kept.complex_data(), scale.as<Complex>(),
                                        kept.complex_data()});
    return from_values(device, dense.shape(), std::move(index), kept.complex_data());
}

SparseSpectralTensor SparseSpectralTensor::from_host(Device device, const Shape& shape,
                                                     std::vector<std::uint32_t> index,
                                                     const std::vector<Complex>& values) {
    const auto refuse = [](const std::string& why) {
        throw Error("sparse spectrum", why, "the file is damaged, or was written by another program");
    };
    const HalfSpectrum spectrum(shape);
    if (index.size() != values.size())
        refuse(fmt::format("it has {} indices and {} values", index.size(), values.size()));
    for (std::size_t j = 0; j < index.size(); ++j) {
        if (index[j] >= spectrum.size())
            refuse(fmt::format("index {} lies outside {} coefficients", index[j], spectrum.size()));
        if (j > 0 && index[j] <= index[j - 1])
            refuse(fmt::format("index {} follows {}", index[j], index[j - 1]));
        if (!std::isfinite(values[j].real()) || !std::isfinite(values[j].imag()))
            refuse(fmt::format("the value of index {} is not finite", index[j]));
        const std::optional<std::int64_t> mirror = spectrum.mirror(index[j]);
        if (mirror && !std::ranges::binary_search(index, static_cast<std::uint32_t>(*mirror)))
            refuse(fmt::format("index {} has no mirror {}", index[j], *mirror));
    }
    SparseSpectralTensor result(device, shape, std::move(index));
    if (!values.empty())
        device.backend.copy_to_device(result.values_.data(), values.data(), result.values_.bytes());
    result.energy_ = result.source_energy_ = result.measured_energy(device);
    return result;
}

double SparseSpectralTensor::measured_energy(Device device) const {
    std::vector<std::uint8_t> weights;
    weights.reserve(host_index_.size());
    for (const std::uint32_t index : host_index_) weights.push_back(spectrum_.energy_weight(index));
    return energy_of(device, count(), values(), upload(device, weights).as<std::uint8_t>());
}

Tensor SparseSpectralTensor::to_dense(Device device) const {
    Backend& backend = device.backend;
    // The adjoint of the transform counts every stored coefficient once, the inverse an implied mirror too.
    const double scale = 1 / std::sqrt(static_cast<double>(spectrum_.values()));
    std::vector<Complex> weights;
    weights.reserve(host_index_.size());
    for (const std::uint32_t index : host_index_)
        weights.emplace_back(static_cast<float>(scale * spectrum_.energy_weight(index)));
    const Buffer weight = upload(device, weights);
    const auto complex = [&](std::int64_t size) {
        return Tensor(device, MemoryTag::workspace, {size}, kHolder, DType::complex64);
    };
    const Tensor weighted = complex(count()), full = complex(spectrum_.size()),
                 scratch = complex(spectrum_.size());
    backend.run(SpectralMultiply{1, count(), false, values(), weight.as<Complex>(), weighted.complex_data()});
    backend.run(
        SparseScatter{count(), spectrum_.size(), index(), weighted.complex_data(), full.complex_data()});
    Tensor dense(device, MemoryTag::parameters, shape_, kHolder);
    backend.run(
        RfftBackward{1, spectrum_.signal(), full.complex_data(), dense.data(), scratch.complex_data()});
    return dense;
}

std::int64_t SparseSpectralTensor::degrees_of_freedom() const {
    std::int64_t sum = 0;
    for (const std::uint32_t index : host_index_) sum += spectrum_.freedom(index);
    return sum;
}

std::size_t SparseSpectralTensor::stored_bytes(ValueCoding coding) const {
    return bytes_of(spectrum_, host_index_, coding);
}

std::vector<Complex> SparseSpectralTensor::host_values(Backend& backend) const {
    return download<Complex>(backend, values(), count());
}

double SparseSpectralTensor::relative_error() const {
    return source_energy_ > 0 ? std::sqrt(std::max(0.0, 1 - energy_ / source_energy_)) : 0;
}

}  // namespace spectral
