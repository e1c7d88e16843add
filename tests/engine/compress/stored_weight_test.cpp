// Training what is stored: the weight that follows from the numbers, and gradients by definition.
#include "engine/train/stored_weight.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/compress/method.hpp"
#include "tests/engine/compress/mixed_order.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

std::vector<std::string> storable_methods() {
    std::vector<std::string> names;
    for (const Method& method : method_registry())
        if (!method.is_null) names.push_back(method.name);
    return names;
}

class StoredWeights : public testing::TestWithParam<std::string> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    /// `ordered`: with rows and columns in another order, where the method has one.
    PackedTensor packed(const Shape& shape, double density, bool ordered) {
        PackOptions options;
        if (ordered) {
            options.basis.emplace();
            options.basis->order = mixed_order(shape);
        }
        const auto packer =
            find_method(GetParam()).prepare(device_, {shape, normal_values(shape.size(), 3, 0.2)}, options);
        return packer->pack(packer->step_at(density));
    }

    std::vector<float> value(const Tensor& tensor) { return tensor.to_host(*backend_).values; }

    /// The numbers as they enter the weight.
    static std::vector<float> rounded(const PackedTensor& tensor, std::size_t list) {
        const Basis basis = tensor.rank > 0 ? factor_basis(tensor, list) : Basis(tensor.shape, tensor.basis);
        return kept_numbers(tensor.lists[list], basis);
    }
};

double product(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

std::vector<float> difference(std::vector<float> a, const std::vector<float>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
    return a;
}

std::vector<std::pair<Shape, bool>> cases() {
    std::vector<std::pair<Shape, bool>> all;
    for (const Shape& shape : {Shape{1}, Shape{37}, Shape{5, 7}, Shape{24, 64}, Shape{4, 3, 5, 6}})
        for (const bool ordered : {false, true}) all.emplace_back(shape, ordered);
    return all;
}

TEST_P(StoredWeights, BeginAsTheFileHasThemAndAreStoredAsTheyAre) {
    for (const auto& [shape, ordered] : cases()) {
        SCOPED_TRACE(shape.text());
        const PackedTensor tensor = packed(shape, 0.3, ordered);
        Parameter weight(device_, "weight", shape, "layer");
        const auto stored = make_stored_weight(device_, weight, tensor);
        EXPECT_LE(relative_error(unpack(device_, tensor).values, value(weight.value)), 1e-6);
        EXPECT_EQ(stored->packed(), tensor);
    }
}

TEST_P(StoredWeights, GradientsAreThoseOfTheWeightByTheNumbers) {
    for (const auto& [shape, ordered] : cases()) {
        const PackedTensor tensor = packed(shape, 0.3, ordered);
        Parameter weight(device_, "weight", shape, "layer");
        const auto stored = make_stored_weight(device_, weight, tensor);
        const std::vector<float> upstream = normal_values(shape.size(), 11);
        weight.gradient.assign(*backend_, {shape, upstream});
        stored->pull_gradient();
        const std::vector<Parameter*> numbers = stored->numbers();
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            SCOPED_TRACE(shape.text() + ", list " + std::to_string(i));
            // The weight is linear in each list: what it changes by is known from the gradient alone.
            stored->push_value();
            const std::vector<float> before = value(weight.value), from = rounded(stored->packed(), i);
            const HostTensor start = numbers[i]->value.to_host(*backend_);
            numbers[i]->value.assign(*backend_, {start.shape, normal_values(start.shape.size(), 12, 0.3)});
            stored->push_value();
            const double moved = product(upstream, difference(value(weight.value), before));
            const std::vector<float> step = difference(rounded(stored->packed(), i), from);
            const std::vector<float> gradient = value(numbers[i]->gradient);
            EXPECT_NEAR(product(gradient, step), moved,
                        1e-4 * std::sqrt(product(gradient, gradient) * product(step, step)));
            numbers[i]->value.assign(*backend_, start);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, StoredWeights, testing::ValuesIn(storable_methods()), [](const auto& instance) {
    std::string name = instance.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

}  // namespace
}  // namespace spectral::test
