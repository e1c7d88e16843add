// Every operation with inputs of chosen sizes: what the level comparison and `spectral bench` run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/schema.hpp"
#include "engine/core/tensor.hpp"

namespace spectral {

/// Inputs are drawn from fixed seeds, so the same sizes are the same numbers on every backend.
struct OpCase {
    std::string shape;  ///< for people: "256 × 393, 8 patterns"
    Cost cost;
    std::function<void()> restore;  ///< undoes what run() does to its inputs; empty where it does nothing
    std::function<void(Level)> run;
    std::function<std::vector<double>()> result;  ///< of the last run
};

struct OpCaseInfo {
    std::string op;
    Schema sizes;
    OpCase (*make)(Device, const Json& sizes) = nullptr;
};

/// In the order of a training step. `sizes` of make() must be completed.
const std::vector<OpCaseInfo>& op_cases();

/// Throws Error that lists the known ones.
const OpCaseInfo& find_op_case(std::string_view op);

/// {"batch=4096", "length=97"} as an object of whole numbers. Throws Error on anything else.
Json parse_sizes(const std::vector<std::string>& texts);
/// The other way round: "batch=1024 length=784".
std::string sizes_text(const Schema& sizes);

namespace op_case {

/// Tensors that live as long as the case that refers to them.
class Inputs {
public:
    explicit Inputs(Device device) : device_(device) {}

    Device device() const { return device_; }
    float* zeros(std::int64_t size);
    float* normal(std::int64_t size, std::uint64_t seed, double scale = 1, double offset = 0);
    /// Rows of `columns` normal values in `stride` floats, zero-padded.
    float* rows(std::int64_t count, std::int64_t columns, std::int64_t stride, std::uint64_t seed,
                double scale = 1, double offset = 0);
    Complex* complex_zeros(std::int64_t size);
    Complex* complex_normal(std::int64_t size, std::uint64_t seed);
    /// Of 0 … bound−1, each.
    template <class T>
    T* indices(std::int64_t size, std::int64_t bound, std::uint64_t seed);
    /// Ascending without duplicates, spread over 0 … bound−1; size ≤ bound.
    std::uint32_t* ascending(std::int64_t size, std::int64_t bound, std::uint64_t seed);
    /// Zeros.
    void* bytes(std::size_t count);
    /// Lives as long as the tensors.
    void keep(std::shared_ptr<const void> object) { kept_.push_back(std::move(object)); }

    std::vector<double> host(const float* values, std::int64_t size) const;
    /// A complex result as twice as many real ones.
    std::vector<double> host(const Complex* values, std::int64_t size) const;
    template <class T>
    std::vector<T> copied(const T* values, std::int64_t size) const {
        std::vector<T> result(static_cast<std::size_t>(size));
        device_.backend.copy_to_host(result.data(), values, result.size() * sizeof(T));
        return result;
    }

private:
    Device device_;
    std::vector<Tensor> tensors_;
    std::vector<Buffer> buffers_;
    std::vector<std::shared_ptr<const void>> kept_;
};

inline std::int64_t size_of(const Json& sizes, const char* name) {
    return sizes.at(name).get<std::int64_t>();
}

/// A size with its default and the largest that is sensible.
Field size_field(std::string name, std::int64_t value, double largest);

/// A case whose only output is `count` floats at `y`; `restore` undoes what the operation does in place.
template <class Op>
OpCase simple(const std::shared_ptr<Inputs>& inputs, std::string shape, const Op& op, const float* y,
              std::int64_t count, std::function<void()> restore = {}) {
    return {std::move(shape), op.cost(), std::move(restore),
            [inputs, op](Level level) { inputs->device().backend.run(op, level); },
            [inputs, y, count] { return inputs->host(y, count); }};
}

inline std::function<void()> copy_back(const std::shared_ptr<Inputs>& inputs, float* to, const float* from,
                                       std::int64_t count) {
    return [=] {
        inputs->device().backend.copy_on_device(to, from, static_cast<std::size_t>(count) * sizeof(float));
    };
}

std::vector<OpCaseInfo> spectral_cases();
std::vector<OpCaseInfo> filter_cases();
std::vector<OpCaseInfo> dense_cases();
std::vector<OpCaseInfo> sparse_cases();
std::vector<OpCaseInfo> convolution_cases();
std::vector<OpCaseInfo> transformer_cases();
std::vector<OpCaseInfo> embedding_cases();
std::vector<OpCaseInfo> dynamics_cases();

}  // namespace op_case

}  // namespace spectral
