#include "engine/nn/syntony_pull.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "engine/core/error.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/normalise.hpp"

namespace spectral {

SyntonyPull::SyntonyPull(Device device, const std::string& holder, std::int64_t rows,
                         std::span<const double> column_norms, double weight)
    : device_(device), weight_(static_cast<float>(weight)) {
    const auto columns = static_cast<std::int64_t>(column_norms.size());
    require(columns % 2 == 0, "syntony", "rows of an odd length are not pairs");
    const auto room = [&](const Shape& shape, const char* what) {
        return Tensor(device, MemoryTag::workspace, shape, holder + what);
    };
    slopes_ = room({rows, columns}, " slopes of syntony");
    normalised_ = room({rows, columns}, " normalised modes");
    gradient_ = room({rows, columns}, " gradient of syntony");
    norm_ = room({1}, " norm of modes");
    scratch_ = Buffer(
        device, MemoryTag::workspace,
        static_cast<std::size_t>(SpectralNormalise::scratch_size(1, rows * columns / 2)) * sizeof(double),
        holder + " scratch of syntony");
    HostTensor slopes{slopes_.shape(), {}};
    for (std::int64_t row = 0; row < rows; ++row)
        for (const double norm : column_norms)
            slopes.values.push_back(static_cast<float>(-2 * std::exp(-norm * norm / std::numbers::phi)));
    slopes_.assign(device.backend, slopes);
}

void SyntonyPull::add_gradient(Parameter& matrix) {
    Backend& backend = device_.backend;
    const std::int64_t size = matrix.value.size();
    // Pairs of real values as complex ones: the norm over all of them is the matrix's.
    const auto* const values = reinterpret_cast<const Complex*>(matrix.value.data());
    auto* const normalised = reinterpret_cast<Complex*>(normalised_.data());
    auto* const gradient = reinterpret_cast<Complex*>(gradient_.data());
    backend.run(SpectralNormalise{.batch = 1,
                                  .size = size / 2,
                                  .x = values,
                                  .y = normalised,
                                  .norm = norm_.data(),
                                  .scratch = scratch_.as<double>()});
    backend.run(Multiply{size, slopes_.data(), normalised_.data(), gradient_.data()});
    backend.run(SpectralNormaliseBackward{.batch = 1,
                                          .size = size / 2,
                                          .x = values,
                                          .norm = norm_.data(),
                                          .dy = gradient,
                                          .dx = gradient,
                                          .scratch = scratch_.as<double>()});
    backend.run(AddScaled{size, weight_, matrix.gradient.data(), gradient_.data(), matrix.gradient.data()});
}

}  // namespace spectral
