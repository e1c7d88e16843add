#include "engine/nn/rotary.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "engine/core/error.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

Tensor rotary_turns(Device device, std::int64_t positions, std::int64_t size, double base,
                    std::int64_t first) {
    require(size % 2 == 0, "rotary encoding", "needs heads of an even size");
    require(base > 0, "rotary encoding", "its base is not positive");
    Tensor tensor(device, MemoryTag::data, {positions, size / 2}, "rotary encoding", DType::complex64);
    const Reservation room =
        device.budget.reserve(MemoryTag::workspace, tensor.bytes(), "rotary encoding on the host");
    std::vector<Complex> turns;
    turns.reserve(static_cast<std::size_t>(tensor.size()));
    for (std::int64_t t = 0; t < positions; ++t)
        for (std::int64_t j = 0; j < size / 2; ++j) {
            const double frequency = std::pow(base, -2 * static_cast<double>(j) / static_cast<double>(size));
            turns.emplace_back(std::polar(1.0, static_cast<double>(first + t) * frequency));
        }
    device.backend.copy_to_device(tensor.complex_data(), turns.data(), tensor.bytes());
    return tensor;
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
