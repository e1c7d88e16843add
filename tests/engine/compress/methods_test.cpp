// Methods: what they promise of bytes and error against what unpacking gives; files; whole models.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "engine/compress/compress_model.hpp"
#include "engine/compress/method.hpp"
#include "tests/engine/compress/mixed_order.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

/// A smooth ridge under noise: something for every method.
HostTensor weights(const Shape& shape, double noise = 0.2) {
    HostTensor tensor{shape, normal_values(shape.size(), 3, noise)};
    for (std::size_t i = 0; i < tensor.values.size(); ++i)
        tensor.values[i] += static_cast<float>(std::sin(0.07 * static_cast<double>(i)));
    return tensor;
}

class Methods : public testing::TestWithParam<std::string> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
    const Method& method_ = find_method(GetParam());
};

TEST_P(Methods, BytesAndErrorAreWhatTheyAreSaidToBe) {
    for (const Shape& shape : {Shape{1}, Shape{37}, Shape{5, 7}, Shape{24, 64}, Shape{4, 3, 5, 5}}) {
        SCOPED_TRACE(shape.text());
        const HostTensor dense = weights(shape);
        const auto packer = method_.prepare(device_, dense);
        std::size_t last_bytes = 0;
        for (std::int64_t step = 1; step <= packer->steps();
             step += std::max<std::int64_t>(1, packer->steps() / 7)) {
            SCOPED_TRACE(step);
            const PackedTensor packed = packer->pack(step);
            EXPECT_EQ(packed.method, method_.name);
            std::size_t bytes = 0;
            for (const PackedList& list : packed.lists) bytes += list.bytes();
            EXPECT_EQ(bytes, packer->bytes(step));
            EXPECT_EQ(packed.stored_bytes(), bytes + packing_json(packed).dump().size());
            EXPECT_GE(bytes, last_bytes);
            last_bytes = bytes;
            const HostTensor back = unpack(device_, packed);
            EXPECT_EQ(back.shape, shape);
            const double measured = relative_error(dense.values, back.values);
            EXPECT_NEAR(packed.relative_error, measured, 1e-4 + 1e-3 * measured);
        }
    }
}

/// Rows and columns that were mixed: an order pays for transforms, and is never taken where it does not.
TEST_P(Methods, TakeAnOrderWhereItPays) {
    const Shape shape{96, 64};
    HostTensor smooth{shape, {}}, mixed{shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
    // A chirp: each row has a frequency of its own, so that their order matters to every transform.
    for (std::int64_t i = 0; i < shape.size(); ++i) {
        const auto row = static_cast<double>(i / 64), column = static_cast<double>(i % 64);
        smooth.values.push_back(static_cast<float>(std::sin(0.08 * row + 0.002 * row * column)));
    }
    PackOptions options;
    options.order = mixed_order(shape);
    for (std::int64_t i = 0; i < shape.size(); ++i)
        mixed.values[tensor_place(options.order, i, 64)] = smooth.values[static_cast<std::size_t>(i)];
    const auto plain = method_.prepare(device_, mixed), ordered = method_.prepare(device_, mixed, options),
               unneeded = method_.prepare(device_, smooth, options);
    const bool transforms = plain->basis() != nullptr && (plain->basis()->choice().kind == BasisKind::fft ||
                                                          plain->basis()->choice().kind == BasisKind::dct);
    EXPECT_EQ(method_.is_transform, transforms);
    const std::int64_t step = ordered->step_at(0.1);
    const PackedTensor with = ordered->pack(step), without = plain->pack(plain->step_at(0.1));
    EXPECT_EQ(!with.basis.order.empty(), transforms);
    EXPECT_TRUE(unneeded->pack(1).basis.order.empty());
    EXPECT_EQ(packed_bytes(with).size(), ordered->bytes(step));
    EXPECT_EQ(with.stored_bytes(), ordered->bytes(step) + packing_json(with).dump().size());
    if (!method_.is_null) {
        EXPECT_EQ(parse_packing(packing_json(with), packed_bytes(with)).basis, with.basis);
    }
    if (transforms) {
        EXPECT_LT(with.relative_error, 0.5 * without.relative_error);
        EXPECT_NEAR(relative_error(mixed.values, unpack(device_, with).values), with.relative_error, 1e-3);
    } else {
        EXPECT_EQ(with.relative_error, without.relative_error);
    }
}

/// What a packer says beside the bytes is what the bytes give, to the last bit.
TEST_P(Methods, WhatIsStoredIsWhatIsUnpacked) {
    for (const Shape& shape : {Shape{1}, Shape{37}, Shape{5, 7}, Shape{24, 64}, Shape{4, 3, 5, 5}}) {
        SCOPED_TRACE(shape.text());
        const auto packer = method_.prepare(device_, weights(shape));
        for (std::int64_t step = 1; step <= packer->steps();
             step += std::max<std::int64_t>(1, packer->steps() / 9)) {
            SCOPED_TRACE(step);
            const Stored stored = packer->store(step);
            EXPECT_EQ(stored.kept, kept_share(stored.packed));
            const Basis* basis = packer->basis();
            EXPECT_EQ(stored.decoded, basis != nullptr ? unpack(stored.packed.lists.front(), *basis)
                                                       : unpack(device_, stored.packed).values);
        }
    }
}

TEST_P(Methods, HeaderAndBytesGiveTheTensorBack) {
    if (method_.is_null) GTEST_SKIP() << "is not stored";
    const auto packer = method_.prepare(device_, weights(Shape{12, 49}));
    for (const std::int64_t step : {std::int64_t{1}, (packer->steps() + 1) / 2, packer->steps()}) {
        const PackedTensor packed = packer->pack(step);
        PackedTensor again = parse_packing(Json::parse(packing_json(packed).dump()), packed_bytes(packed));
        EXPECT_NEAR(again.relative_error, packed.relative_error, 1e-6);
        again.relative_error = packed.relative_error;
        EXPECT_EQ(packing_json(again), packing_json(packed));
        EXPECT_EQ(unpack(device_, again).values, unpack(device_, packed).values);
    }
}

TEST_P(Methods, ZerosAndConstantsAreNoTrouble) {
    for (const float value : {0.0F, 3.0F, -1e-20F}) {
        const HostTensor dense{Shape{6, 8}, std::vector<float>(48, value)};
        const auto packer = method_.prepare(device_, dense);
        const PackedTensor packed = packer->pack(packer->steps());
        EXPECT_LE(packed.relative_error, value == -1e-20F ? 1 : 1e-2);  // what 16 bits do not reach is zero
        for (const float back : unpack(device_, packed).values)
            EXPECT_NEAR(back, value, 1e-2F * std::abs(value) + 1e-7F);
    }
}

TEST_P(Methods, RefusesWhatTransformsWouldMakeInfinite) {
    HostTensor dense{Shape{4, 5}, std::vector<float>(20, 1)};
    dense.values[13] = -3e38F;
    EXPECT_NE(
        failure([&] { method_.prepare(device_, dense); }).find("the value at [2, 3] is -3e+38, so large"),
        std::string::npos);
}

TEST_P(Methods, RefusesWhatIsNotFinite) {
    HostTensor dense{Shape{4, 5}, std::vector<float>(20, 1)};
    dense.values[13] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(failure([&] { method_.prepare(device_, dense); }),
              "tensor of 4 × 5: the value at [2, 3] is nan");
    EXPECT_EQ(failure([&] {
                  method_.prepare(device_, {Shape{4, 0}, {}});
              }),
              "tensor of 4 × 0: an axis is empty");
    EXPECT_EQ(failure([&] {
                  method_.prepare(device_, {Shape{}, {1}});
              }),
              "tensor of scalar: a single number is not compressed");
}

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const Method& each : method_registry()) all.push_back(each.name);
    return all;
}

INSTANTIATE_TEST_SUITE_P(All, Methods, testing::ValuesIn(names()), [](const auto& tested) {
    std::string name = tested.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

class Rates : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
};

TEST_F(Rates, MeetBytesErrorAndDensity) {
    const HostTensor dense = weights(Shape{24, 64});
    const auto packer = find_method("fft").prepare(device_, dense);
    const std::int64_t step = step_within(*packer, 1000);
    EXPECT_LE(packer->bytes(step), 1000U);
    EXPECT_GT(packer->bytes(step + 1), 1000U);
    EXPECT_EQ(step_within(*packer, 3), 0);
    const std::optional<std::int64_t> enough = step_for_error(*packer, 0.3);
    ASSERT_TRUE(enough);
    EXPECT_LE(packer->pack(*enough).relative_error, 0.3);
    EXPECT_GT(packer->pack(*enough - 1).relative_error, 0.3);
    EXPECT_FALSE(step_for_error(*packer, 0));  // 16 bits are not exact
    const auto real = find_method("dct").prepare(device_, dense);
    EXPECT_EQ(real->pack(real->step_at(0.1)).lists[0].count, std::lround(0.1 * 24 * 64));
}

/// White noise: the energy that top-k keeps of a basis without meaning is p(1 − ln p); the values themselves
/// keep more.
TEST_F(Rates, WhiteNoiseFollowsTheNullHypothesis) {
    const HostTensor dense{Shape{256, 256}, normal_values(256 * 256, 9)};
    const auto kept = [&](const char* method, double density) {
        const auto packer = find_method(method).prepare(device_, dense);
        return packer->pack(packer->step_at(density)).energy_retained();
    };
    for (const double p : {0.05, 0.1, 0.25}) EXPECT_NEAR(kept("fft", p), p * (1 - std::log(p)), 0.01);
    EXPECT_NEAR(kept("random-basis", 0.05), 0.28, 0.01);
    EXPECT_NEAR(kept("magnitude", 0.05), 0.28, 0.01);
    EXPECT_NEAR(kept("magnitude", 0.25), 0.72, 0.01);
}

ModelFile sample() {
    ModelFile model;
    LayerRecord hidden{"hidden", "dense", Json::object(), {}}, output{"output", "dense", Json::object(), {}};
    hidden.tensors = {{"weight", weights(Shape{128, 200}, 1)}, {"bias", weights(Shape{128})}};
    output.tensors = {{"weight", weights(Shape{10, 128})}, {"bias", weights(Shape{10})}};
    model.layers = {hidden, {"activation", "relu", Json::object(), {}}, output};
    return model;
}

TEST_F(Rates, AModelMeetsTheBytesOfItsFile) {
    const ScratchFolder folder;
    for (const auto& [by, value] :
         {std::pair{CompressTarget::By::ratio, 8.0}, {CompressTarget::By::bytes, 20000.0}}) {
        const ModelFile model = sample();
        const CompressResult result = ModelCompressor(device_, model, {}, {}).pack({by, value}, {});
        write_model_file(folder / "small.h5", result.model);
        const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(folder / "small.h5"));
        EXPECT_EQ(bytes, result.file_bytes);
        const double wanted =
            by == CompressTarget::By::bytes ? value : static_cast<double>(result.dense_bytes) / value;
        EXPECT_LE(static_cast<double>(bytes), wanted);
        EXPECT_GE(static_cast<double>(bytes), 0.9 * wanted);
        const ModelFile read = read_model_file(folder / "small.h5");
        for (std::size_t l = 0; l < read.layers.size(); ++l)
            for (std::size_t t = 0; t < read.layers[l].tensors.size(); ++t)
                EXPECT_LE(relative_energy_error(read.layers[l].tensors[t].tensor.values,
                                                to_doubles(result.model.layers[l].tensors[t].tensor.values)),
                          kEnergyTolerance);
    }
}

TEST_F(Rates, AModelsTensorsMeetTheError) {
    const ModelFile model = sample();
    const CompressTarget error{CompressTarget::By::max_error, 0.25};
    for (const TensorReport& each : ModelCompressor(device_, model, {}, {}).pack(error, {}).tensors)
        EXPECT_LE(each.relative_error, 0.25) << each.name;
    CompressRequest request;
    request.method = "fft";
    request.methods = {{"output/weight", "svd"}};
    const CompressResult result =
        ModelCompressor(device_, model, request, {}).pack({CompressTarget::By::density, 0.5}, {});
    EXPECT_EQ(result.tensors[0].method, "fft");
    EXPECT_EQ(result.tensors[1].method, "f16");  // too small to gain
    EXPECT_EQ(result.tensors[2].method, "svd");
}

/// Bytes go where errors matter: the same weights, one of them a thousand times as important.
TEST_F(Rates, ImportanceMovesTheBytes) {
    const Importance importance{2, {1, 10}};
    EXPECT_DOUBLE_EQ(importance.damage({Shape{2, 2}, {1, 2, 3, 4}}, {Shape{2, 2}, {1, 1, 1, 4}}),
                     2 * (10 + 4));

    ModelFile model;
    for (const char* name : {"first", "second"})
        model.layers.push_back({name, "dense", Json::object(), {{"weight", weights(Shape{64, 128}, 1)}}});
    const auto errors = [&](Importances importances) {
        CompressRequest request;
        request.importances = std::move(importances);
        const CompressResult result =
            ModelCompressor(device_, model, request, {}).pack({CompressTarget::By::ratio, 6}, {});
        return std::pair(result.tensors[0].relative_error, result.tensors[1].relative_error);
    };
    const auto [first, second] = errors({});
    const auto [careless, careful] = errors({{"second/weight", {1000, std::vector<float>(128, 1)}}});
    EXPECT_GT(careless, std::max(first, second));
    EXPECT_LT(careful, std::min(first, second));
}

TEST_F(Rates, FixedTensorsStayAndTheOthersMakeRoom) {
    const ModelFile model = sample();
    ModelCompressor compressor(device_, model, {}, {});
    const CompressTarget target{CompressTarget::By::ratio, 6};
    const HostTensor& dense = model.layers[2].tensors[0].tensor;
    const auto packer = find_method("fft").prepare(device_, dense);
    const PackedTensor own = packer->pack(packer->step_at(0.8));
    const CompressResult result = compressor.pack(target, {}, {{"output/weight", own}});
    EXPECT_EQ(result.model.layers[2].tensors[0].packed, own);
    EXPECT_LE(static_cast<double>(result.file_bytes), static_cast<double>(result.dense_bytes) / 6);
    const CompressResult free = compressor.pack(target, {});
    for (std::size_t i = 0; i < free.tensors.size(); ++i) {
        EXPECT_EQ(result.tensors[i].fixed, i == 2);
        EXPECT_FALSE(free.tensors[i].fixed);
        EXPECT_GT(free.tensors[i].damage, 0);
        EXPECT_GT(free.tensors[i].kept, 0);
    }
    EXPECT_LT(result.tensors[0].stored_bytes, free.tensors[0].stored_bytes);
    EXPECT_NEAR(result.tensors[2].kept, 0.8, 0.01);

    EXPECT_EQ(failure([&] {
                  compressor.pack(target, {}, {{"third/weight", own}});
              }),
              "fixed tensors: the model has not all of them");
    const auto null = find_method("random-basis").prepare(device_, dense)->pack(1);
    for (const auto& [name, packed] : {std::pair{"output/weight", null}, std::pair{"hidden/weight", own}})
        EXPECT_EQ(failure([&] {
                      compressor.pack(target, {}, {{name, packed}});
                  }),
                  std::string("tensor '") + name + "': it cannot be stored as what is fixed for it");
}

TEST_F(Rates, RefusesWhatCannotBe) {
    const auto refused = [&](const CompressTarget& target, const std::string& method = "auto",
                             std::map<std::string, std::string> methods = {}) {
        const ModelFile model = sample();
        CompressRequest request;
        request.method = method;
        request.methods = std::move(methods);
        return failure([&] { ModelCompressor(device_, model, request, {}).pack(target, {}); });
    };
    using enum CompressTarget::By;
    EXPECT_NE(refused({bytes, 100})
                  .find("a file of 100 bytes is not possible with these methods: the smallest has"),
              std::string::npos);
    EXPECT_EQ(refused({ratio, 0.5}), "ratio: 0.5 is not between 1 and 1e6");
    EXPECT_EQ(refused({max_error, 1}), "max error: 1 is not at least 0 and below 1");
    EXPECT_EQ(refused({density, 0}, "fft"), "density: 0 is not above 0 and at most 1");
    EXPECT_EQ(refused({density, 0.5}), "density: says nothing about which method keeps it");
    EXPECT_EQ(refused({ratio, 2}, "zip").substr(0, 24), "method: 'zip' is unknown");
    EXPECT_EQ(refused({ratio, 2}, "random-basis"),
              "method: 'random-basis' is there to compare with, not to store by");
    EXPECT_EQ(refused({ratio, 2}, "auto", {{"third/weight", "fft"}}),
              "methods: the model has no tensor 'third/weight'");
    ModelFile broken = sample();
    broken.layers[2].tensors[0].tensor.values[134] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(failure([&] { ModelCompressor(device_, broken, {}, {}); }),
              "tensor 'output/weight': tensor of 10 × 128: the value at [1, 6] is inf");
}

}  // namespace
}  // namespace spectral::test
