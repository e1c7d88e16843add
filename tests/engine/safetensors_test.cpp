// safetensors: every type against its definition, export and back, and hostile files refused.
#include "engine/io/safetensors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "engine/io/tensor_file.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

std::string length_of(std::uint64_t bytes) {
    std::string text(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(bytes >> (8 * i) & 0xFFU);
    return text;
}

template <class T>
std::string raw(std::initializer_list<T> values) {
    const auto bytes = std::as_bytes(std::span(values));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Safetensors : public testing::Test {
protected:
    ScratchFolder folder_;
    std::filesystem::path path_ = folder_ / "weights.bin";

    void put(const std::string& header, const std::string& values) {
        put_bytes(path_, length_of(header.size()) + header + values);
    }
    std::string refusal(const std::string& header, const std::string& values = "") {
        put(header, values);
        return failure([&] { read_safetensors(path_); });
    }
    void expect_refused(const std::string& header, const std::string& values, std::string_view why) {
        const std::string message = refusal(header, values);
        EXPECT_TRUE(message.starts_with(path_.string())) << message;
        EXPECT_NE(message.find(why), std::string::npos) << message;
    }
};

TEST_F(Safetensors, EveryTypeIsReadAndIntegersAreNamed) {
    // 1, −2 and the smallest normal half, in every format, by their bits.
    put(R"({"__metadata__":{"format":"pt"},)"
        R"("enc.0.weight":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},)"
        R"("enc.0.bias":{"dtype":"F16","shape":[3,1],"data_offsets":[12,18]},)"
        R"("head.w":{"dtype":"BF16","shape":[1,3],"data_offsets":[18,24]},)"
        R"("wide":{"dtype":"F64","shape":[],"data_offsets":[24,32]},)"
        R"("enc.step":{"dtype":"I64","shape":[1],"data_offsets":[32,40]},)"
        R"("none":{"dtype":"F32","shape":[0,4],"data_offsets":[40,40]}}   )",
        raw<float>({1, -2, 0x1p-14F}) + raw<std::uint16_t>({0x3C00, 0xC000, 0x0400}) +
            raw<std::uint16_t>({0x3F80, 0xC000, 0x3880}) + raw<double>({0.1}) + raw<std::int64_t>({7}));
    const TensorFile file = read_tensor_file(path_);
    EXPECT_EQ(file.format, TensorFormat::safetensors);
    EXPECT_EQ(file.skipped, std::vector<std::string>{"enc.step (I64)"});
    const std::vector<LayerRecord>& layers = file.model.layers;
    ASSERT_EQ(layers.size(), 3U);
    const std::vector<float> expected{1, -2, 0x1p-14F};
    EXPECT_EQ(layers[0].name, "enc.0");
    EXPECT_EQ(layers[0].tensors[0].name, "weight");
    EXPECT_EQ(layers[0].tensors[0].tensor.shape, Shape{3});
    EXPECT_EQ(layers[0].tensors[0].tensor.values, expected);
    EXPECT_EQ(layers[0].tensors[1].name, "bias");
    EXPECT_EQ(layers[0].tensors[1].tensor.shape, (Shape{3, 1}));
    EXPECT_EQ(layers[0].tensors[1].tensor.values, expected);
    EXPECT_EQ(layers[1].name, "head");
    EXPECT_EQ(layers[1].tensors[0].tensor.values, expected);
    EXPECT_EQ(layers[2].name, kUnnamedLayer);
    EXPECT_EQ(layers[2].tensors[0].name, "wide");
    EXPECT_EQ(layers[2].tensors[0].tensor.values, std::vector<float>{0.1F});
    EXPECT_EQ(layers[2].tensors[1].tensor.shape, (Shape{0, 4}));
}

TEST_F(Safetensors, WhatIsWrittenComesBack) {
    ModelFile model = sample_model();
    write_safetensors(path_, model, {{"format", "pt"}});
    const ForeignTensors read = read_safetensors(path_);
    EXPECT_TRUE(read.skipped.empty());
    std::map<std::string, const HostTensor*> found;
    for (const LayerRecord& layer : read.model.layers)
        for (const NamedTensor& each : layer.tensors) found[layer.name + "|" + each.name] = &each.tensor;
    std::size_t count = 0;
    for (const LayerRecord& layer : model.layers)
        for (const NamedTensor& each : layer.tensors) {
            ++count;
            const auto got = found.find(layer.name + "|" + each.name);
            ASSERT_NE(got, found.end()) << layer.name << " " << each.name;
            EXPECT_EQ(got->second->shape, each.tensor.shape);
            EXPECT_TRUE(same_bits(got->second->values, each.tensor.values)) << each.name;
        }
    EXPECT_EQ(found.size(), count);
    // Names without a layer stay what they were.
    put(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", raw<float>({3}));
    write_safetensors(folder_ / "again", read_safetensors(path_).model, {});
    EXPECT_EQ(read_safetensors(folder_ / "again").model.layers[0].tensors[0].name, "w");
    EXPECT_NE(file_bytes(folder_ / "again").find(R"("w":{)"), std::string::npos);
}

TEST_F(Safetensors, ExportRefusesWhatItCannotSay) {
    const LayerRecord a{"a", "test", Json::object(), {{"b.c", {Shape{1}, {1}}}}};
    const LayerRecord ab{"a.b", "test", Json::object(), {{"c", {Shape{1}, {1}}}}};
    ModelFile model;
    model.layers = {a, ab};
    EXPECT_NE(failure([&] { write_safetensors(path_, model, {}); }).find("two tensors have the name 'a.b.c'"),
              std::string::npos);
    model.layers = {{"a", "test", Json::object(), {{"b", {Shape{2}, {}}}}}};
    EXPECT_NE(failure([&] { write_safetensors(path_, model, {}); }).find("are not there"), std::string::npos);
    EXPECT_FALSE(fs::exists(path_));
}

TEST_F(Safetensors, DamagedHeadersAreRefused) {
    const std::string tensor = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})", four(4, '\0');
    EXPECT_EQ(refusal("{" + tensor + "}", four), "nothing was thrown");
    expect_refused("{" + tensor + "," + tensor + "}", four, "there twice");
    expect_refused(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four,
                   "there twice");
    expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", four, "unknown");
    expect_refused(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", four, "tensor 'a' has no dtype");
    expect_refused(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", four, "tensor 'a' has no shape");
    expect_refused(R"({"a":{"dtype":"F32","shape":[1]}})", four, "tensor 'a' has no data_offsets");
    expect_refused(R"({"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})", four,
                   "tensor 'a' holds values of the type \"F8_E4M3\"");
    expect_refused(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", four,
                   "tensor 'a' has a wrong shape");
    expect_refused(R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", four, "wrong shape");
    expect_refused(R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", four, "wrong shape");
    expect_refused(R"({"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}})", four, "wrong shape");
    expect_refused(R"({"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}})", four, "wrong dtype");
    expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", four, "not two data_offsets");
    expect_refused(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", four,
                   "rank above 8");
    expect_refused(R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", four,
                   "impossible");
    expect_refused(R"({"a":[]})", "", "is no tensor");
    expect_refused(R"({"a":1})", "", "is no tensor");
    expect_refused(R"({"__metadata__":{"a":1}})", "", "metadata");
    expect_refused(R"({"__metadata__":[]})", "", "metadata");
    std::string many = R"({"__metadata__":{"0":"")";
    for (int i = 1; i <= 10'000; ++i) many += ",\"" + std::to_string(i) + R"(":"")";
    expect_refused(many + "}}", "", "texts of metadata");
    expect_refused(R"([])", "", "no JSON object");
    expect_refused(R"({"a":)", "", "not JSON");
    expect_refused("{\"a\\u0000b\":{}}", "", "control characters");
    expect_refused(R"({"a.":{}})", "", "empty part");
    expect_refused(R"({"":{}})", "", "empty part");
    expect_refused("{\"" + std::string(300, 'n') + "\":{}}", "", "too long");
    expect_refused(R"({"a.b":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                   R"("a/b":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
                   "", "there twice");
    expect_refused("{" + std::string(100'000, '{'), "", "");
}

TEST_F(Safetensors, PlacesMustCoverTheFileOnce) {
    const auto two = [](const char* a, const char* b) {
        return std::string(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":)") + b +
               R"(},"a":{"dtype":"F32","shape":[1],"data_offsets":)" + a + "}}";
    };
    const std::string eight(8, '\0');
    EXPECT_EQ(refusal(two("[0,4]", "[4,8]"), eight), "nothing was thrown");
    expect_refused(two("[0,4]", "[0,4]"), eight, "overlaps");
    expect_refused(two("[0,4]", "[2,6]"), eight, "overlaps");
    expect_refused(two("[0,4]", "[5,9]"), eight + "x", "hole of 1 bytes");
    expect_refused(two("[4,8]", "[8,12]"), eight + "four", "hole of 4 bytes");
    expect_refused(two("[0,4]", "[8,4]"), eight, "lies at bytes 8 to 4");
    expect_refused(two("[0,4]", "[4,9]"), eight, "lies at bytes 4 to 9");
    expect_refused(two("[0,4]", "[4,7]"), eight, "its shape and type F32 do not fit");
    expect_refused(two("[0,4]", "[4,8]"), eight + "x", "9 bytes of values where its header names 8");
    expect_refused(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", "",
                   "do not fit");
    expect_refused(R"({"a":{"dtype":"F32","shape":[9223372036854775807,0],"data_offsets":[0,0]}})", "x",
                   "1 bytes of values");
}

TEST_F(Safetensors, EveryTruncationAndHugeHeaderIsRefused) {
    const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    const std::string whole = length_of(header.size()) + header + "abcd";
    for (std::size_t length = 0; length < whole.size(); ++length) {
        put_bytes(path_, whole.substr(0, length));
        EXPECT_NE(failure([&] { read_safetensors(path_); }), "nothing was thrown") << length;
    }
    put_bytes(path_, length_of(100'000'001) + "{}");
    EXPECT_NE(failure([&] { read_safetensors(path_); }).find("100000001 bytes"), std::string::npos);
    put_bytes(path_, length_of(UINT64_MAX) + "{}");
    EXPECT_NE(failure([&] { read_safetensors(path_); }), "nothing was thrown");
    put_bytes(path_, length_of(2) + "x}");
    EXPECT_NE(failure([&] { read_tensor_file(path_); }).find("no other format"), std::string::npos);
}

TEST_F(Safetensors, NumbersBeyondFloatsAreNamed) {
    put(R"({"a":{"dtype":"F64","shape":[3],"data_offsets":[0,24]}})",
        raw<double>({1, std::numeric_limits<double>::infinity(), -1e39}));
    EXPECT_NE(failure([&] { read_safetensors(path_); }).find("tensor 'a' cannot be read: number 2 is -1e+39"),
              std::string::npos);
}

TEST_F(Safetensors, WhatIsReadIsCounted) {
    put(R"({"a":{"dtype":"F16","shape":[1000],"data_offsets":[0,2000]}})", std::string(2000, '\0'));
    MemoryBudget budget(5000);
    {
        Reservation room = budget.reserve(MemoryTag::data, 0, "weights");
        read_safetensors(path_, &room);
        EXPECT_GE(room.bytes(), 4000U);
    }
    budget.set_limit(3000);
    Reservation room = budget.reserve(MemoryTag::data, 0, "weights");
    EXPECT_THROW(read_safetensors(path_, &room), OutOfMemory);
}

}  // namespace
}  // namespace spectral::test
