#include "engine/profile/op_case.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"

namespace spectral {

namespace op_case {

namespace {

constexpr const char* kHolder = "benchmark inputs";

}  // namespace

float* Inputs::zeros(std::int64_t size) {
    tensors_.emplace_back(device_, MemoryTag::workspace, Shape{size}, kHolder);
    return tensors_.back().data();
}

float* Inputs::normal(std::int64_t size, std::uint64_t seed, double scale, double offset) {
    return rows(1, size, size, seed, scale, offset);
}

float* Inputs::rows(std::int64_t count, std::int64_t columns, std::int64_t stride, std::uint64_t seed,
                    double scale, double offset) {
    Random random(seed);
    HostTensor values{Shape{count * stride}, std::vector<float>(static_cast<std::size_t>(count * stride))};
    for (std::int64_t row = 0; row < count; ++row)
        for (std::int64_t i = 0; i < columns; ++i)
            values.values[static_cast<std::size_t>(row * stride + i)] =
                static_cast<float>(offset + scale * random.normal());
    tensors_.emplace_back(device_, MemoryTag::workspace, values.shape, kHolder);
    tensors_.back().assign(device_.backend, values);
    return tensors_.back().data();
}

Complex* Inputs::complex_zeros(std::int64_t size) {
    tensors_.emplace_back(device_, MemoryTag::workspace, Shape{size}, kHolder, DType::complex64);
    return tensors_.back().complex_data();
}

Complex* Inputs::complex_normal(std::int64_t size, std::uint64_t seed) {
    Random random(seed);
    std::vector<Complex> values(static_cast<std::size_t>(size));
    for (Complex& value : values) {
        const auto real = static_cast<float>(random.normal());
        value = {real, static_cast<float>(random.normal())};
    }
    Complex* result = complex_zeros(size);
    device_.backend.copy_to_device(result, values.data(), values.size() * sizeof(Complex));
    return result;
}

template <class T>
T* Inputs::indices(std::int64_t size, std::int64_t bound, std::uint64_t seed) {
    Random random(seed);
    std::vector<T> values(static_cast<std::size_t>(size));
    for (T& value : values) value = static_cast<T>(random.below(static_cast<std::uint32_t>(bound)));
    buffers_.emplace_back(device_, MemoryTag::workspace, values.size() * sizeof(T), kHolder);
    device_.backend.copy_to_device(buffers_.back().data(), values.data(), buffers_.back().bytes());
    return buffers_.back().as<T>();
}

template std::uint32_t* Inputs::indices(std::int64_t, std::int64_t, std::uint64_t);
template std::int32_t* Inputs::indices(std::int64_t, std::int64_t, std::uint64_t);

std::uint32_t* Inputs::ascending(std::int64_t size, std::int64_t bound, std::uint64_t seed) {
    Random random(seed);
    std::vector<std::uint32_t> values(static_cast<std::size_t>(size));
    // One in each of `size` equal parts of the range.
    for (std::int64_t j = 0; j < size; ++j) {
        const std::int64_t first = bound * j / size, next = bound * (j + 1) / size;
        values[static_cast<std::size_t>(j)] =
            static_cast<std::uint32_t>(first + random.below(static_cast<std::uint32_t>(next - first)));
    }
    auto* result = static_cast<std::uint32_t*>(bytes(values.size() * sizeof(std::uint32_t)));
    device_.backend.copy_to_device(result, values.data(), values.size() * sizeof(std::uint32_t));
    return result;
}

void* Inputs::bytes(std::size_t count) {
    buffers_.emplace_back(device_, MemoryTag::workspace, count, kHolder);
    return buffers_.back().data();
}

std::vector<double> Inputs::host(const float* values, std::int64_t size) const {
    const std::vector<float> result = copied(values, size);
    return {result.begin(), result.end()};
}

std::vector<double> Inputs::host(const Complex* values, std::int64_t size) const {
    return host(reinterpret_cast<const float*>(values), 2 * size);
}

Field size_field(std::string name, std::int64_t value, double largest) {
    std::string label = name;
    std::ranges::replace(label, '_', ' ');
    return {std::move(name), FieldType::integer, value, std::move(label), "size of the benchmark's input", 1,
            largest};
}

}  // namespace op_case

const std::vector<OpCaseInfo>& op_cases() {
    static const std::vector<OpCaseInfo> cases = [] {
        std::vector<OpCaseInfo> all = op_case::spectral_cases();
        for (OpCaseInfo& each : op_case::filter_cases()) all.push_back(std::move(each));
        for (OpCaseInfo& each : op_case::dense_cases()) all.push_back(std::move(each));
        for (OpCaseInfo& each : op_case::sparse_cases()) all.push_back(std::move(each));
        for (OpCaseInfo& each : op_case::convolution_cases()) all.push_back(std::move(each));
        for (OpCaseInfo& each : op_case::transformer_cases()) all.push_back(std::move(each));
        for (OpCaseInfo& each : op_case::embedding_cases()) all.push_back(std::move(each));
        for (OpCaseInfo& each : op_case::dynamics_cases()) all.push_back(std::move(each));
        return all;
    }();
    return cases;
}

Json parse_sizes(const std::vector<std::string>& texts) {
    Json sizes = Json::object();
    for (const std::string& text : texts) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0)
            throw Error(fmt::format("size '{}'", text), "has no name and value", "for example batch=4096");
        Field any;
        any.name = text.substr(0, equals);
        sizes[any.name] = parse_field(any, text.substr(equals + 1), "the operation's sizes");
    }
    return sizes;
}

std::string sizes_text(const Schema& sizes) {
    std::string text;
    for (const Field& field : sizes)
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", field.name, field.default_value.dump());
    return text;
}

const OpCaseInfo& find_op_case(std::string_view op) {
    const auto found = std::ranges::find(op_cases(), op, &OpCaseInfo::op);
    if (found != op_cases().end()) return *found;
    std::vector<std::string_view> known;
    for (const OpCaseInfo& each : op_cases()) known.push_back(each.op);
    throw Error(fmt::format("operation '{}'", op), "unknown",
                fmt::format("known: {}", fmt::join(known, ", ")));
}

}  // namespace spectral
