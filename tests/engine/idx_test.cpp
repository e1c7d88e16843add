// IDX files: good ones round-trip, and every way of being bad ends in an Error that names the file.
#include "engine/data/idx.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include "engine/core/random.hpp"

namespace spectral {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

Bytes idx_bytes(const std::vector<std::uint32_t>& extents, const Bytes& values, std::uint8_t type = 0x08) {
    Bytes bytes{0, 0, type, static_cast<std::uint8_t>(extents.size())};
    for (const std::uint32_t extent : extents) {
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(extent >> shift));
    }
    bytes.insert(bytes.end(), values.begin(), values.end());
    return bytes;
}

Bytes gzip(const Bytes& bytes) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    Bytes out(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 64);
    Bytes in = bytes;
    stream.next_in = in.data();
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

Bytes ramp(std::size_t size, std::uint8_t modulus = 251) {
    Bytes values(size);
    for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<std::uint8_t>(i % modulus);
    return values;
}

/// The error of `action` must say `name` and hold a hint; returns its text.
std::string error_of(const std::string& name, const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
        EXPECT_FALSE(error.hint().empty()) << error.what();
        return error.what();
    }
    ADD_FAILURE() << "no error about " << name;
    return {};
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class IdxTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "spectral-idx-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override { fs::remove_all(directory_); }

    fs::path write(const std::string& name, const Bytes& bytes) const {
        const fs::path path = directory_ / name;
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return path;
    }
    /// Error text of reading these bytes as one file.
    std::string refused(const Bytes& bytes, const std::string& name = "broken-idx3-ubyte") const {
        const fs::path path = write(name, bytes);
        return error_of(name, [&] { read_idx(path); });
    }
    void write_set(const std::string& prefix, std::uint32_t count, const Bytes& labels) const {
        write(prefix + "-images-idx3-ubyte", idx_bytes({count, 3, 5}, ramp(std::size_t{count} * 15)));
        write(prefix + "-labels-idx1-ubyte", idx_bytes({static_cast<std::uint32_t>(labels.size())}, labels));
    }
    DatasetRequest request() const {
        DatasetRequest request;
        request.path = directory_.string();
        return request;
    }
    std::string set_refused(const std::string& name) const {
        return error_of(name, [&] { load_dataset("mnist", request()); });
    }

    fs::path directory_;
};

TEST_F(IdxTest, RoundTripsRawAndGzip) {
    for (const auto& extents :
         std::vector<std::vector<std::uint32_t>>{{7}, {5, 3}, {2, 3, 5}, {2, 3, 5, 7}}) {
        std::size_t size = 1;
        for (const auto extent : extents) size *= extent;
        const Bytes bytes = idx_bytes(extents, ramp(size));
        for (const Bytes& stored : {bytes, gzip(bytes)}) {
            const IdxArray array = read_idx(write("good", stored));
            EXPECT_EQ(array.values, ramp(size));
            EXPECT_EQ(array.extents, std::vector<std::int64_t>(extents.begin(), extents.end()));
        }
    }
}

TEST_F(IdxTest, LargerThanOneChunk) {
    const std::uint32_t count = 1021;
    Bytes values(std::size_t{count} * 1009);
    Random random(3);
    for (auto& value : values) value = static_cast<std::uint8_t>(random.next());
    const Bytes bytes = idx_bytes({count, 1009}, values);
    EXPECT_EQ(read_idx(write("raw", bytes)).values, values);
    EXPECT_EQ(read_idx(write("packed", gzip(bytes))).values, values);
}

TEST_F(IdxTest, SeveralGzipMembers) {
    const Bytes bytes = idx_bytes({2, 3, 5}, ramp(30));
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        const auto middle = bytes.begin() + static_cast<std::ptrdiff_t>(cut);
        Bytes stored = gzip(Bytes(bytes.begin(), middle));
        const Bytes rest = gzip(Bytes(middle, bytes.end()));
        stored.insert(stored.end(), rest.begin(), rest.end());
        EXPECT_EQ(read_idx(write("members", stored)).values, ramp(30)) << cut;
    }
}

TEST_F(IdxTest, TruncatedAtEveryByte) {
    const Bytes bytes = idx_bytes({2, 3, 5}, ramp(30));
    for (const Bytes& whole : {bytes, gzip(bytes)}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_SAYS(refused(part), "truncated") << size;
        }
    }
    const Bytes part(bytes.begin(), bytes.end() - 1);
    EXPECT_SAYS(refused(part), "promises 30 values and 29 follow");
    EXPECT_SAYS(refused(gzip(part)), "promises 30 values and 29 follow");
}

TEST_F(IdxTest, TooLong) {
    Bytes bytes = idx_bytes({2, 3, 5}, ramp(31));
    EXPECT_SAYS(refused(bytes), "too long");
    EXPECT_SAYS(refused(gzip(bytes)), "too long");
    bytes.pop_back();
    for (const Bytes& garbage : {Bytes{0}, Bytes{0x1f}, Bytes{0x1f, 0x8b}, Bytes(100, 0x55)}) {
        Bytes stored = gzip(bytes);
        stored.insert(stored.end(), garbage.begin(), garbage.end());
        refused(stored);
    }
}

TEST_F(IdxTest, EveryFlippedGzipBit) {
    const Bytes bytes = idx_bytes({2, 3, 5}, ramp(30));
    const Bytes whole = gzip(bytes);
    // A bit that carries no data (a date, padding) may change unseen; a value may not.
    std::size_t refusals = 0;
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        Bytes damaged = whole;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const fs::path path = write("damaged-ubyte", damaged);
        try {
            EXPECT_EQ(read_idx(path).values, ramp(30)) << bit;
        } catch (const Error& error) {
            ++refusals;
            EXPECT_NE(std::string(error.what()).find("damaged-ubyte"), std::string::npos) << error.what();
            EXPECT_FALSE(error.hint().empty()) << error.what();
        }
    }
    EXPECT_GT(refusals, 8 * (whole.size() - 12));
    Bytes wrong_sum = whole;
    wrong_sum[wrong_sum.size() - 8] ^= 1;
    EXPECT_SAYS(refused(wrong_sum), "incorrect data check");
}

TEST_F(IdxTest, WrongMagicTypeAndRank) {
    const Bytes good = idx_bytes({2, 3, 5}, ramp(30));
    for (const std::size_t at : {0U, 1U}) {
        Bytes bytes = good;
        bytes[at] = 7;
        EXPECT_SAYS(refused(bytes), "no IDX file");
    }
    EXPECT_SAYS(refused(idx_bytes({2, 3, 5}, ramp(30), 0x07)), "no IDX file");
    EXPECT_SAYS(refused(idx_bytes({}, {1, 2, 3, 4})), "no IDX file");
    EXPECT_SAYS(refused(idx_bytes({2, 3, 5}, ramp(120), 0x0D)), "32-bit floats");
    EXPECT_SAYS(refused(idx_bytes({2, 3}, ramp(6), 0x09)), "signed bytes");
    EXPECT_SAYS(refused(idx_bytes({1, 1, 1, 1, 2}, ramp(2))), "5 dimensions");
    EXPECT_SAYS(refused(idx_bytes({0, 3, 5}, {})), "empty");
    EXPECT_SAYS(refused(idx_bytes({2, 0, 5}, {})), "empty");
}

TEST_F(IdxTest, Bombs) {
    // Refused before anything of that size is allocated: the budget would show it.
    MemoryBudget budget;
    const auto refused_unallocated = [&](const Bytes& bytes) {
        const fs::path path = write("bomb-ubyte", bytes);
        const std::string text = error_of("bomb-ubyte", [&] { read_idx(path, &budget); });
        EXPECT_LE(budget.total().peak, std::size_t{1} << 20) << text;
        return text;
    };
    const Bytes large(std::size_t{32} << 20, 0);
    EXPECT_SAYS(refused_unallocated(gzip(idx_bytes({2, 3, 5}, large))), "too long");
    const Bytes huge = idx_bytes({1U << 20, 1U << 10, 1U << 10}, ramp(100));
    EXPECT_SAYS(refused_unallocated(huge), "4 GiB");
    EXPECT_SAYS(refused_unallocated(gzip(huge)), "4 GiB");
    const Bytes wrapping = idx_bytes({1U << 31, 1U << 31, 1U << 31, 1U << 31}, ramp(100));
    EXPECT_SAYS(refused_unallocated(wrapping), "4 GiB");
    const Bytes below_limit = idx_bytes({65535, 65536}, ramp(100));
    EXPECT_SAYS(refused_unallocated(below_limit), "promises 4294901760 values and 100 follow");
    EXPECT_SAYS(refused_unallocated(gzip(below_limit)), "cannot hold");
}

TEST_F(IdxTest, RandomBytes) {
    Random random(11);
    for (int file = 0; file < 200; ++file) {
        Bytes bytes(random.below(600));
        for (auto& value : bytes) value = static_cast<std::uint8_t>(random.next());
        // Half of them get past the first check.
        if (file % 4 == 1 && bytes.size() > 4) bytes[0] = 0, bytes[1] = 0, bytes[2] = 8, bytes[3] = 3;
        if (file % 4 == 3 && bytes.size() > 4) bytes[0] = 0x1f, bytes[1] = 0x8b, bytes[2] = 8, bytes[3] = 0;
        refused(bytes);
    }
}

TEST_F(IdxTest, NoRegularFile) {
    EXPECT_SAYS(error_of("absent", [&] { read_idx(directory_ / "absent"); }), "no such file");
    fs::create_directory(directory_ / "folder");
    EXPECT_SAYS(error_of("folder", [&] { read_idx(directory_ / "folder"); }), "not a regular file");
    EXPECT_SAYS(error_of("/dev/zero", [] { read_idx("/dev/zero"); }), "not a regular file");
}

TEST_F(IdxTest, BudgetAndCancel) {
    const fs::path path = write("file", idx_bytes({2, 3, 5}, ramp(30)));
    MemoryBudget budget(40);
    {
        const IdxArray array = read_idx(path, &budget);
        EXPECT_EQ(budget.usage(MemoryTag::data).current, 30U);
        EXPECT_SAYS(error_of("file", [&] { read_idx(path, &budget); }), "");
    }
    EXPECT_EQ(budget.total().current, 0U);
    EXPECT_THROW(read_idx(path, nullptr, nullptr, [](auto, auto) { return false; }), Cancelled);
}

TEST_F(IdxTest, LoadsASet) {
    write_set("train", 4, {0, 2, 1, 2});
    write_set("t10k", 2, {2, 0});
    const Dataset raw = load_dataset("mnist", request());
    EXPECT_EQ(raw.name, "mnist");
    EXPECT_EQ(raw.class_names, (std::vector<std::string>{"0", "1", "2"}));
    EXPECT_EQ(raw.train.count(), 4);
    EXPECT_EQ(raw.test.labels, (std::vector<std::int32_t>{2, 0}));
    EXPECT_EQ(raw.train.shape.rank, 2);
    EXPECT_EQ(extents_text(2, raw.train.shape.extent), "3 × 5");
    std::vector<float> values(32, -9.0F);
    raw.train.read(1, 2, values.data() + 1);
    for (std::size_t i = 0; i < 30; ++i) {
        EXPECT_NEAR(values[i + 1], (static_cast<float>(i + 15) / 255.0F - 0.1307F) / 0.3081F, 1e-5F);
    }
    EXPECT_EQ(values.front(), -9.0F);
    EXPECT_EQ(values.back(), -9.0F);

    // The hash is over the decoded bytes: packing and naming do not change it.
    fs::remove(directory_ / "train-images-idx3-ubyte");
    write("train-images.idx3-ubyte.gz", gzip(idx_bytes({4, 3, 5}, ramp(60))));
    const Dataset packed = load_dataset("idx", request());
    EXPECT_EQ(packed.sha256, raw.sha256);
    EXPECT_EQ(raw.sha256.size(), 64U);
    write_set("t10k", 2, {2, 1});
    EXPECT_NE(load_dataset("idx", request()).sha256, raw.sha256);
}

TEST_F(IdxTest, LoadsRankOneAndThree) {
    for (const std::string prefix : {"train", "t10k"}) {
        write(prefix + "-images-idx2-ubyte", idx_bytes({3, 7}, ramp(21)));
        write(prefix + "-labels-idx1-ubyte", idx_bytes({3}, {0, 1, 2}));
    }
    EXPECT_EQ(load_dataset("idx", request()).train.shape.rank, 1);
    for (const std::string prefix : {"train", "t10k"}) {
        fs::remove(directory_ / (prefix + "-images-idx2-ubyte"));
        write(prefix + "-images-idx4-ubyte", idx_bytes({3, 2, 3, 5}, ramp(90)));
    }
    const Dataset volume = load_dataset("idx", request());
    EXPECT_EQ(volume.test.shape.rank, 3);
    EXPECT_EQ(extents_text(3, volume.test.shape.extent), "2 × 3 × 5");
}

TEST_F(IdxTest, RefusesBadSets) {
    write_set("train", 4, {0, 2, 1, 2});
    write_set("t10k", 2, {2, 3});
    EXPECT_SAYS(set_refused("t10k-labels-idx1-ubyte"), "label 3 of sample 1 is out of range");
    write_set("t10k", 2, {2, 1, 0});
    EXPECT_SAYS(set_refused("t10k-labels-idx1-ubyte"), "holds 3 labels");
    write("t10k-images-idx3-ubyte", idx_bytes({3, 5, 3}, ramp(45)));
    EXPECT_SAYS(set_refused("t10k-images-idx3-ubyte"), "5 × 3");
    write("t10k-images-idx3-ubyte", idx_bytes({3}, ramp(3)));
    EXPECT_SAYS(set_refused("t10k-images-idx3-ubyte"), "one dimension");
    write_set("t10k", 2, {2, 1});
    write("t10k-labels-idx1-ubyte", idx_bytes({2, 1}, {0, 1}));
    EXPECT_SAYS(set_refused("t10k-labels-idx1-ubyte"), "labels have one");
    write("t10k-labels-idx1-ubyte", idx_bytes({0}, {}));
    EXPECT_SAYS(set_refused("t10k-labels-idx1-ubyte"), "empty");
}

/// One damaged byte must not turn ten classes into two hundred.
TEST_F(IdxTest, RefusesTrainingLabelsOutOfRange) {
    write_set("t10k", 2, {0, 1});
    write_set("train", 4, {0, 1, 200, 2});
    const auto refused = [&](const char* name) -> std::string {
        try {
            load_dataset(name, request());
        } catch (const Error& error) {
            return error.what();
        }
        return "not refused";
    };
    EXPECT_SAYS(refused("mnist"), "label 200 of sample 2 is out of range");
    EXPECT_SAYS(refused("idx"), "label 200 of sample 2 is out of range: no sample has label 3");
    write_set("train", 4, {1, 2, 3, 4});  // counted from 1
    EXPECT_EQ(load_dataset("idx", request()).classes(), 5);
}

TEST_F(IdxTest, MissingDirectoryAndFiles) {
    EXPECT_SAYS(set_refused("train-images-idx3-ubyte"), "no such file");
    write_set("train", 2, {0, 1});
    write_set("t10k", 2, {0, 1});
    for (const std::string name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                   "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
        fs::rename(directory_ / name, directory_ / "elsewhere");
        EXPECT_SAYS(set_refused(name), "no such file");
        fs::rename(directory_ / "elsewhere", directory_ / name);
    }
    fs::remove(directory_ / "t10k-labels-idx1-ubyte");
    fs::create_directory(directory_ / "t10k-labels-idx1-ubyte");
    EXPECT_SAYS(set_refused("t10k-labels-idx1-ubyte"), "not a regular file");

    DatasetRequest elsewhere;
    elsewhere.path = (directory_ / "nowhere").string();
    EXPECT_SAYS(error_of("nowhere", [&] { load_dataset("mnist", elsewhere); }), "no such directory");
    elsewhere.path = (directory_ / "train-images-idx3-ubyte").string();
    EXPECT_SAYS(error_of("train-images-idx3-ubyte", [&] { load_dataset("mnist", elsewhere); }),
                "not a directory");
    EXPECT_SAYS(error_of("mnist", [] { load_dataset("mnist", {}); }), "none was given");
}

TEST(RealMnist, IsWhatItShouldBe) {
    const char* data = std::getenv("SPECTRAL_DATA");
    if (data == nullptr || *data == '\0') GTEST_SKIP() << "SPECTRAL_DATA is not set";
    DatasetRequest request;
    request.path = std::string(data) + "/mnist";
    const Dataset mnist = load_dataset("mnist", request);
    EXPECT_EQ(mnist.train.count(), 60000);
    EXPECT_EQ(mnist.test.count(), 10000);
    EXPECT_EQ(mnist.classes(), 10);
    EXPECT_EQ(mnist.train.labels.front(), 5);
    EXPECT_EQ(mnist.train.shape.size(), 784);
    double sum = 0;
    const auto& pixels = std::get<std::vector<std::uint8_t>>(mnist.train.values);
    for (const std::uint8_t pixel : pixels) sum += pixel;
    EXPECT_NEAR(sum / static_cast<double>(pixels.size()), 33.3184, 1e-4);
}

}  // namespace
}  // namespace spectral
