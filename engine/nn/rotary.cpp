#include "engine/nn/rotary.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "engine/core/error.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

/// `of` gives the factor of a position and a column.
template <class Of>
Tensor table(Device device, std::int64_t positions, std::int64_t columns, const Of& of) {
    Tensor tensor(device, MemoryTag::data, {positions, columns}, "rotary encoding", DType::complex64);
    const Reservation room =
        device.budget.reserve(MemoryTag::workspace, tensor.bytes(), "rotary encoding on the host");
    std::vector<Complex> turns;
    turns.reserve(static_cast<std::size_t>(tensor.size()));
    for (std::int64_t t = 0; t < positions; ++t)
        for (std::int64_t j = 0; j < columns; ++j) turns.push_back(of(t, j));
    device.backend.copy_to_device(tensor.complex_data(), turns.data(), tensor.bytes());
    return tensor;
}

Complex turn_of(std::int64_t position, std::int64_t pair, std::int64_t size, double base) {
    const double frequency = std::pow(base, -2 * static_cast<double>(pair) / static_cast<double>(size));
    return Complex(std::polar(1.0, static_cast<double>(position) * frequency));
}

void require_pairs(std::int64_t size, double base) {
    require(size % 2 == 0, "rotary encoding", "needs heads of an even size");
    require(base > 0, "rotary encoding", "its base is not positive");
}

}  // namespace

Tensor rotary_turns(Device device, std::int64_t positions, std::int64_t size, double base,
                    std::int64_t first) {
    require_pairs(size, base);
    return table(device, positions, size / 2,
                 [&](std::int64_t t, std::int64_t j) { return turn_of(first + t, j, size, base); });
}

Tensor packed_rotary_turns(Device device, std::int64_t positions, std::int64_t heads, std::int64_t size,
                           double base) {
    require_pairs(size, base);
    const std::int64_t pairs = size / 2;
    return table(device, positions, 3 * heads * pairs, [&](std::int64_t t, std::int64_t j) {
        return j < 2 * heads * pairs ? turn_of(t, j % pairs, size, base) : Complex(1);
    });
}

void rotate(Device device, const Tensor& x, const Tensor& turns, const Tensor& y, bool back) {
    const Shape& shape = x.shape();
    const int rank = shape.rank();
    if (rank < 2 || turns.shape() != Shape{shape[rank - 2], shape[rank - 1] / 2} ||
        shape[rank - 1] % 2 != 0 || y.shape() != shape)
        throw Error("rotary encoding", fmt::format("{} turned by {} into {} do not fit", shape.text(),
                                                   turns.shape().text(), y.shape().text()));
    if (turns.size() == 0) return;
    device.backend.run(SpectralMultiply{x.size() / 2 / turns.size(), turns.size(), back,
                                        reinterpret_cast<const Complex*>(x.data()), turns.complex_data(),
                                        reinterpret_cast<Complex*>(y.data())});
}

}  // namespace spectral
