// NumPy's files: every type, order and version, and damaged or hostile ones refused. What NumPy itself writes
// is read in tests/cli/test_foreign_files.py.
#include "engine/io/npy.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <functional>

#include "engine/io/tensor_file.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

std::string number(std::uint64_t value, std::size_t bytes) {
    std::string text(bytes, '\0');
    // A number has eight bytes; what is longer goes on in zeros.
    for (std::size_t i = 0; i < std::min(bytes, sizeof value); ++i)
        text[i] = static_cast<char>(value >> (8 * i) & 0xFFU);
    return text;
}

template <class T>
std::string raw(std::initializer_list<T> values, bool swapped = false) {
    const auto bytes = std::as_bytes(std::span(values));
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (swapped)
        for (std::size_t i = 0; i < text.size(); i += sizeof(T))
            std::reverse(text.begin() + static_cast<std::ptrdiff_t>(i),
                         text.begin() + static_cast<std::ptrdiff_t>(i + sizeof(T)));
    return text;
}

std::string npy(const std::string& header, const std::string& values, int version = 1) {
    return std::string(kNpyMagic) + static_cast<char>(version) + '\0' +
           number(header.size(), version == 1 ? 2 : 4) + header + values;
}

std::string header(const std::string& descr, const std::string& shape, bool by_columns = false) {
    return "{'descr': '" + descr + "', 'fortran_order': " + (by_columns ? "True" : "False") +
           ", 'shape': " + shape + ", }          \n";
}

/// One member of an archive, with what its two headers say of it.
struct Member {
    std::string name, bytes, packed;
    unsigned method = 0, flags = 0;
    std::uint32_t crc = 0;
    std::uint64_t promised = 0;  ///< unpacked
    std::string own_name;
    std::uint64_t place = 0;

    Member(std::string member_name, std::string contents, bool deflated = false)
        : name(std::move(member_name)), bytes(std::move(contents)), promised(bytes.size()), own_name(name) {
        const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
        crc = static_cast<std::uint32_t>(crc32(0, data, static_cast<uInt>(bytes.size())));
        packed = bytes;
        if (!deflated) return;
        method = 8;
        packed.resize(bytes.size() + 100);
        z_stream stream{};
        deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
        stream.next_in = const_cast<Bytef*>(data);
        stream.avail_in = static_cast<uInt>(bytes.size());
        stream.next_out = reinterpret_cast<Bytef*>(packed.data());
        stream.avail_out = static_cast<uInt>(packed.size());
        EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
        packed.resize(packed.size() - stream.avail_out);
        deflateEnd(&stream);
    }
};

/// `wide`: sizes and places in the 64-bit fields, as for members above 4 GiB.
std::string archive(std::vector<Member> members, bool wide = false, const std::string& comment = "") {
    std::string text, directory;
    for (Member& each : members) {
        each.place = text.size();
        text += "PK\x03\x04" + number(20, 2) + number(each.flags, 2) + number(each.method, 2) + number(0, 4) +
                number(each.crc, 4) + number(each.packed.size(), 4) + number(each.promised, 4) +
                number(each.own_name.size(), 2) + number(0, 2) + each.own_name + each.packed;
    }
    for (const Member& each : members) {
        const std::string extra = wide ? number(1, 2) + number(24, 2) + number(each.promised, 8) +
                                             number(each.packed.size(), 8) + number(each.place, 8)
                                       : "";
        const auto narrow = [&](std::uint64_t value) { return number(wide ? UINT32_MAX : value, 4); };
        directory += "PK\x01\x02" + number(20, 2) + number(20, 2) + number(each.flags, 2) +
                     number(each.method, 2) + number(0, 4) + number(each.crc, 4) +
                     narrow(each.packed.size()) + narrow(each.promised) + number(each.name.size(), 2) +
                     number(extra.size(), 2) + number(0, 2 + 2 + 2 + 4) + narrow(each.place) + each.name +
                     extra;
    }
    const std::size_t start = text.size();
    text += directory;
    if (wide) {
        const std::size_t end = text.size();
        text += "PK\x06\x06" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) +
                number(members.size(), 8) + number(members.size(), 8) + number(directory.size(), 8) +
                number(start, 8) + "PK\x06\x07" + number(0, 4) + number(end, 8) + number(1, 4);
    }
    return text + "PK\x05\x06" + number(0, 4) + number(wide ? 0xFFFF : members.size(), 2) +
           number(wide ? 0xFFFF : members.size(), 2) + number(wide ? UINT32_MAX : directory.size(), 4) +
           number(wide ? UINT32_MAX : start, 4) + number(comment.size(), 2) + comment;
}

class NumpyFile : public testing::Test {
protected:
    ScratchFolder folder_;
    std::filesystem::path path_ = folder_ / "gain.bin";

    HostTensor only(const std::string& bytes) {
        put_bytes(path_, bytes);
        const TensorFile file = read_tensor_file(path_);
        EXPECT_EQ(file.model.layers.size(), 1U);
        EXPECT_EQ(file.model.layers[0].name, kUnnamedLayer);
        EXPECT_EQ(file.model.layers[0].tensors[0].name, "gain");
        return file.model.layers[0].tensors[0].tensor;
    }
    void expect_refused(const std::string& bytes, std::string_view why) {
        put_bytes(path_, bytes);
        const std::string message = failure([&] { read_tensor_file(path_); });
        EXPECT_TRUE(message.starts_with(path_.string())) << message;
        EXPECT_NE(message.find(why), std::string::npos) << message;
    }
};

TEST_F(NumpyFile, EveryTypeAndVersion) {
    const std::vector<float> expected{1, -2, 0x1p-14F};
    for (const bool swapped : {false, true}) {
        const std::string order = swapped ? ">" : "<";
        EXPECT_EQ(only(npy(header(order + "f4", "(3,)"), raw<float>({1, -2, 0x1p-14F}, swapped))).values,
                  expected);
        EXPECT_EQ(only(npy(header(order + "f8", "(3,)"), raw<double>({1, -2, 0x1p-14}, swapped))).values,
                  expected);
        EXPECT_EQ(
            only(npy(header(order + "f2", "(3,)"), raw<std::uint16_t>({0x3C00, 0xC000, 0x0400}, swapped)))
                .values,
            expected);
    }
    for (const int version : {1, 2, 3})
        EXPECT_EQ(only(npy(header("<f4", "(1, 3)"), raw<float>({1, -2, 0x1p-14F}), version)).shape,
                  (Shape{1, 3}));
    EXPECT_EQ(only(npy(header("<f4", "()"), raw<float>({5}))).shape, Shape{});
    EXPECT_EQ(only(npy(header("<f4", "(3, 0)"), "")).shape, (Shape{3, 0}));
    // Other spellings of the same dictionary.
    EXPECT_EQ(only(npy(R"({"shape":(2),'fortran_order':True,"descr":"<f4"})", raw<float>({1, 2}))).shape,
              Shape{2});
}

TEST_F(NumpyFile, ColumnsBecomeRows) {
    Random random(3);
    for (const Shape& shape : {Shape{2, 3}, Shape{7, 1, 5}, Shape{3, 4, 5, 2}, Shape{1, 1}, Shape{4, 0, 2}}) {
        const HostTensor rows = random_tensor(random, shape);
        std::string values;
        std::string text = "(";
        for (const std::int64_t extent : shape.extents()) text += std::to_string(extent) + ", ";
        // By definition: the place of (i, j, k) by columns is i + n₀·(j + n₁·k).
        std::vector<float> columns(rows.values.size());
        for (std::size_t place = 0; place < columns.size(); ++place) {
            std::size_t rest = place, to = 0, step = columns.size();
            for (int axis = shape.rank(); axis-- > 0;) {
                const auto extent = static_cast<std::size_t>(shape[axis]);
                step /= extent;
                to += rest % extent * step;
                rest /= extent;
            }
            columns[to] = rows.values[place];
        }
        values.assign(reinterpret_cast<const char*>(columns.data()), columns.size() * sizeof(float));
        const HostTensor got = only(npy(header("<f4", text + ")", true), values));
        EXPECT_EQ(got.shape, shape);
        EXPECT_EQ(got.values, rows.values);
    }
}

TEST_F(NumpyFile, DamagedArraysAreRefused) {
    const std::string one = raw<float>({1});
    expect_refused(npy(header("|O", "(1,)"), one), "never unpickled");
    expect_refused(npy(header("<c8", "(1,)"), one + one), "'<c8', which is not supported");
    expect_refused(npy(header("<f16", "(1,)"), one + one + one + one), "not supported");
    expect_refused(npy(header("f4", "(1,)"), one), "unknown type");
    expect_refused(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", one),
                   "several fields");
    expect_refused(npy(header("<f4", "(1,)"), one, 4), "version 4");
    expect_refused(npy(header("<f4", "(2,)"), one), "are fewer");
    expect_refused(npy(header("<f4", "(1,)"), one + "x"), "are more");
    expect_refused(npy(header("<f4", "(4611686018427387904, 4)"), one), "are fewer");
    expect_refused(npy(header("<f4", "(99999999999999999999,)"), one), "no list of counts");
    expect_refused(npy(header("<f4", "(-1,)"), one), "no list of counts");
    expect_refused(npy(header("<f4", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), one), "rank is above 8");
    expect_refused(npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", one), "neither True nor False");
    expect_refused(npy("{'descr': '<f4', 'shape': (1,)}", one), "lacks one of");
    expect_refused(npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", one),
                   "twice");
    expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", one),
                   "unknown entry 'x'");
    expect_refused(npy("__import__('os')", one), "no '{'");
    expect_refused(npy("", one), "no '{'");
    expect_refused(npy("{'descr", one), "broken text");
    expect_refused(npy(std::string(70'000, ' '), one, 2), "64 KiB");
    expect_refused(npy(header("<f8", "(1,)"), raw<double>({-1e300})), "number 0 is -1e+300");
    const std::string whole = npy(header("<f4", "(1,)"), one);
    for (std::size_t length = kNpyMagic.size(); length < whole.size(); ++length)
        expect_refused(whole.substr(0, length), "");
}

TEST_F(NumpyFile, Archives) {
    const std::string w = npy(header("<f4", "(2, 2)"), raw<float>({1, 2, 3, 4}));
    const std::string many = npy(header("<f4", "(50000,)"), std::string(200'000, '\0'));
    const std::string steps = npy(header("<i8", "(1,)"), raw<std::int64_t>({7}));
    for (const bool wide : {false, true})
        for (const bool deflated : {false, true}) {
            put_bytes(path_, archive({{"layer1/w.npy", w, deflated},
                                      {"b.npy", many, deflated},
                                      {"steps.npy", steps, deflated},
                                      {"notes.txt", "hello"},
                                      {"folder/", ""}},
                                     wide, "PK\x05\x06 is not the end"));
            const TensorFile file = read_tensor_file(path_);
            EXPECT_EQ(file.format, TensorFormat::npz);
            EXPECT_EQ(file.skipped, (std::vector<std::string>{"steps (<i8)", "notes.txt (no array)"}));
            ASSERT_EQ(file.model.layers.size(), 2U);
            EXPECT_EQ(file.model.layers[0].name, "layer1");
            EXPECT_EQ(file.model.layers[0].tensors[0].tensor.values, (std::vector<float>{1, 2, 3, 4}));
            EXPECT_EQ(file.model.layers[1].tensors[0].tensor.values, std::vector<float>(50'000));
        }
}

TEST_F(NumpyFile, DamagedArchivesAreRefused) {
    const std::string w = npy(header("<f4", "(2,)"), raw<float>({1, 2}));
    const auto changed = [&](const std::function<void(Member&)>& change, bool deflated = false) {
        Member member("w.npy", w, deflated);
        change(member);
        return archive({{"a.npy", w}, member});
    };
    expect_refused(changed([](Member& m) { m.crc ^= 1; }), "member 'w.npy' fails its checksum");
    expect_refused(changed([](Member& m) { m.crc ^= 1; }, true), "fails its checksum");
    expect_refused(changed([](Member& m) { m.flags = 1; }), "is encrypted");
    expect_refused(changed([](Member& m) { m.method = 12; }), "method 12");
    expect_refused(changed([](Member& m) { ++m.promised; }), "promises");
    expect_refused(changed([](Member& m) { m.promised = 1 << 30; }, true),
                   "promises 1073741824 bytes out of");
    expect_refused(changed([](Member& m) { m.promised += 4; }, true), "are more");
    expect_refused(changed([](Member& m) { m.own_name = "x.npy"; }), "another name");
    expect_refused(changed([](Member& m) { m.packed[0] = '\x07'; }, true), "cannot be unpacked");
    expect_refused(changed([](Member& m) { m.packed.resize(m.packed.size() / 2); }, true),
                   "cannot be unpacked");
    expect_refused(changed([](Member& m) { m.name = m.own_name = "a.npy"; }), "is there twice");
    expect_refused(changed([](Member& m) { m.name = m.own_name = std::string("w\x1b[2J.npy"); }),
                   "control characters");
    expect_refused(archive({{"data.pkl", "unpickle me"}}), "without NumPy arrays");
    expect_refused(archive({{"o.npy", npy(header("|O", "(1,)"), "pickle")}}),
                   "tensor 'o' cannot be read: its values are Python");
    const std::string whole = archive({{"w.npy", w}});
    for (std::size_t length = 4; length < whole.size(); ++length) expect_refused(whole.substr(0, length), "");
    // The directory names one member twice: shared bytes would unpack to more than the file is long.
    const std::string twice = archive({{"a.npy", w}, {"b.npy", w}});
    std::string bomb = twice;
    const std::size_t place = twice.rfind("b.npy") - 4;
    bomb.replace(place, 4, number(0, 4));
    bomb[twice.rfind("b.npy")] = 'a';
    expect_refused(bomb, "overlap");
}

TEST_F(NumpyFile, WhatIsUnpackedIsCounted) {
    put_bytes(path_, archive({{"w.npy", npy(header("<f4", "(100000,)"), std::string(400'000, '\0')), true}}));
    MemoryBudget budget(100'000);
    Reservation room = budget.reserve(MemoryTag::data, 0, "weights");
    EXPECT_THROW(read_npz(path_, &room), OutOfMemory);
    budget.set_limit(1'000'000);
    EXPECT_EQ(read_npz(path_, &room).model.layers[0].tensors[0].tensor.values.size(), 100'000U);
}

}  // namespace
}  // namespace spectral::test
