// Damaged and hostile model files: an Error or the same model, never a crash, never other values in silence.
#include <gtest/gtest.h>
#include <hdf5.h>
#include <zlib.h>

#include <array>
#include <functional>

#include "engine/core/error.hpp"
#include "engine/core/files.hpp"
#include "sample_model.hpp"

#ifdef __SANITIZE_ADDRESS__
/// HDF5 1.10 forgets memory of its own when it meets damage.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }
#endif

namespace spectral::test {
namespace {

/// The message of the Error that reading throws, with its hint, or empty.
std::string refusal(const fs::path& path) {
    try {
        read_model_file(path);
    } catch (const Error& error) {
        EXPECT_EQ(error.subject(), path.string());
        return error.why() + " | " + error.hint();
    }
    return {};
}

void expect_refused(const fs::path& path, std::string_view part) {
    const std::string message = refusal(path);
    EXPECT_NE(message.find(part), std::string::npos) << "message: '" << message << "'";
}

/// A valid model file, changed through the C API.
void altered(const fs::path& path, const std::function<void(hid_t file)>& change) {
    write_model_file(path, sample_model());
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(file, 0);
    change(file);
    ASSERT_GE(H5Fclose(file), 0);
}

constexpr const char* kWeight = "/layers/000_dense_ß/weight";

void put_text(hid_t object, const char* name, const std::string& text, bool variable = false) {
    if (H5Aexists(object, name) > 0) H5Adelete(object, name);
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, variable ? H5T_VARIABLE : text.size() + 1);
    const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const char* pointer = text.c_str();
    H5Awrite(attribute, type, variable ? static_cast<const void*>(&pointer) : pointer);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

/// Puts a dataset in the place of the first weight, with its order; `prepare` sets its properties.
hid_t replace_weight(hid_t file, std::vector<hsize_t> extents, const std::function<void(hid_t)>& prepare,
                     hid_t type = H5T_IEEE_F32LE, bool resizable = false) {
    H5Ldelete(file, kWeight, H5P_DEFAULT);
    const std::vector<hsize_t> limits(extents.size(), H5S_UNLIMITED);
    const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(),
                                         resizable ? limits.data() : nullptr);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    prepare(properties);
    const hid_t dataset = H5Dcreate2(file, kWeight, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    EXPECT_GE(dataset, 0);
    const hid_t scalar = H5Screate(H5S_SCALAR);
    const hid_t order = H5Acreate2(dataset, "order", H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
    const std::int64_t first = 0;
    H5Awrite(order, H5T_NATIVE_INT64, &first);
    H5Aclose(order);
    H5Sclose(scalar);
    put_text(dataset, "sha256", std::string(64, '0'));
    H5Sclose(space);
    H5Pclose(properties);
    return dataset;
}

TEST(HostileModelFile, EveryTruncationIsRefused) {
    const ScratchFolder folder;
    write_model_file(folder / "whole.h5", sample_model());
    const std::string whole = file_bytes(folder / "whole.h5");
    const fs::path cut = folder / "cut.h5";
    std::vector<std::size_t> lengths;
    for (std::size_t i = 0; i < 200; ++i) lengths.push_back(whole.size() * i / 200);
    for (std::size_t i = 1; i <= 64; ++i) lengths.push_back(whole.size() - i);
    for (const std::size_t length : lengths) {
        put_bytes(cut, std::string_view(whole).substr(0, length));
        EXPECT_NE(refusal(cut), "") << length << " of " << whole.size() << " bytes";
    }
}

TEST(HostileModelFile, FlippedBytesNeverChangeAModelInSilence) {
    const ScratchFolder folder;
    const ModelFile model = sample_model();
    write_model_file(folder / "whole.h5", model);
    const std::string whole = file_bytes(folder / "whole.h5");
    Random random(11);
    int refused = 0;
    for (int i = 0; i < 300; ++i) {
        std::string damaged = whole;
        const std::size_t place = random.below(static_cast<std::uint32_t>(whole.size()));
        const auto flip = static_cast<char>(1 + random.below(255));
        damaged[place] = static_cast<char>(damaged[place] ^ flip);
        put_bytes(folder / "damaged.h5", damaged);
        try {
            EXPECT_TRUE(same(model, read_model_file(folder / "damaged.h5"))) << "byte " << place;
        } catch (const Error&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 30);
}

TEST(HostileModelFile, Versions) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    altered(path, [](hid_t file) { put_text(file, "encoding-version", "2.0.0"); });
    expect_refused(path, "2.0.0");
    expect_refused(path, "1.0.0");
    expect_refused(path, "Update");
    for (const char* version : {"", "1", "x.1", "-1.0.0", "0.9.0", "99999999999999999999.0"}) {
        altered(path, [&](hid_t file) { put_text(file, "encoding-version", version); });
        expect_refused(path, "version");
    }
    altered(path, [](hid_t file) {
        put_text(file, "encoding-version", "1.7.3");
        put_text(file, "new_text", "unknown to us", true);
        for (const char* name : {"/novelty", "/layers/000_dense_ß/novelty", "/checkpoint/novelty"}) {
            const hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
            put_text(group, "more", "unknown to us");
            H5Gclose(group);
        }
    });
    EXPECT_TRUE(same(sample_model(), read_model_file(path)));
}

TEST(HostileModelFile, OtherFiles) {
    const ScratchFolder folder;
    const fs::path path = folder / "file.h5";
    expect_refused(path, "no such file");
    expect_refused(folder.path(), "is a directory");
    expect_refused("/dev/zero", "not a regular file");
    put_bytes(path, "");
    expect_refused(path, "not an HDF5 file");
    put_bytes(path, std::string(10'000, 'x'));
    expect_refused(path, "not an HDF5 file");
    put_bytes(path, "\x89HDF\r\n\x1a\n");
    EXPECT_NE(refusal(path), "");
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    expect_refused(path, "another program's HDF5 file");
    altered(path, [](hid_t other) { put_text(other, "encoding-type", "anndata"); });
    expect_refused(path, "anndata");
}

TEST(HostileModelFile, BadTexts) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    altered(path, [](hid_t file) { put_text(file, "config_json", "{\"model\": "); });
    expect_refused(path, "config_json is not JSON");
    for (const char* extents :
         {"28", "[]", "[28,", "[0]", "[-1]", "[2.5]", "[1,1,1,1,1,1,1,1,1]", "[8192,8193]", "[1e30]",
          "[18446744073709551615,18446744073709551615]", "{\"a\":1}"}) {
        altered(path, [&](hid_t file) { put_text(file, "feature_shape_json", extents); });
        expect_refused(path, "feature_shape_json");
    }
    altered(path, [](hid_t file) { put_text(file, "metrics_json", "[1]"); });
    expect_refused(path, "metrics_json is not a JSON object");
    altered(path, [](hid_t file) { put_text(file, "config_json", "{\"a\":" + std::string(50'000, '[')); });
    expect_refused(path, "nested");
    altered(path, [](hid_t file) { put_text(file, "dataset", "mnist", true); });
    expect_refused(path, "variable length");
    altered(path, [](hid_t file) { put_text(file, "seed", "one"); });
    expect_refused(path, "not an integer");
    altered(path, [](hid_t file) { H5Adelete(file, "dataset"); });
    expect_refused(path, "lacks the attribute dataset");
    altered(path, [](hid_t file) { H5Adelete_by_name(file, kWeight, "sha256", H5P_DEFAULT); });
    expect_refused(path, "lacks the attribute sha256");
}

TEST(HostileModelFile, BadVocabularies) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    const std::pair<const char*, const char*> wrongs[] = {
        {"[97]", "not a JSON object"},
        {R"({"codes":[97]})", "no unit"},
        {R"({"unit":"word","codes":[97]})", "no unit"},
        {R"({"unit":"byte"})", "no list"},
        {R"({"unit":"byte","codes":[]})", "no list"},
        {R"({"unit":"byte","codes":[-1]})", "a code that is none"},
        {R"({"unit":"byte","codes":[4294967296]})", "a code that is none"},
        {R"({"unit":"byte","codes":["a"]})", "a code that is none"},
        {R"({"unit":"byte","codes":[256]})", "256, which is no byte"},
        {R"({"unit":"character","codes":[1114112]})", "1114112, which is no character"},
        {R"({"unit":"character","codes":[55296]})", "55296, which is no character"},
        {R"({"unit":"character","codes":[98,97]})", "not in ascending order"},
        {R"({"unit":"character","codes":[97,97]})", "not in ascending order"}};
    for (const auto& [text, why] : wrongs) {
        SCOPED_TRACE(text);
        altered(path, [&](hid_t file) { put_text(file, "vocabulary_json", text); });
        expect_refused(path, why);
    }
    altered(path, [](hid_t file) {
        put_text(file, "vocabulary_json", R"({"unit":"character","codes":[10,97,8364]})");
    });
    EXPECT_EQ(read_model_file(path).vocabulary.encode("a€\n"), (std::vector<std::int32_t>{1, 2, 0}));
}

TEST(HostileModelFile, BadReplacements) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    const std::pair<const char*, const char*> wrongs[] = {
        {"[1]", "not a JSON object"},
        {R"({"count":1})", "no list"},
        {R"({"last":[]})", "no count"},
        {R"({"count":-1,"last":[]})", "no count"},
        {R"({"count":9223372036854775807,"last":[]})", "cannot be"},
        {R"({"count":18446744073709551615,"last":[]})", "no count"},
        {R"({"count":0,"last":[{"parameter":"a/b","step":0,"first":0,"count":1}]})", "cannot be"},
        {R"({"count":1,"last":[{"step":0,"first":0,"count":1}]})", "names no parameter"},
        {R"({"count":1,"last":[{"parameter":"a/b","step":-1,"first":0,"count":1}]})", "no count"}};
    for (const auto& [text, why] : wrongs) {
        SCOPED_TRACE(text);
        altered(path, [&](hid_t file) {
            const hid_t group = H5Gopen2(file, "/provenance", H5P_DEFAULT);
            put_text(group, "replaced_json", text);
            H5Gclose(group);
        });
        expect_refused(path, why);
    }
}

TEST(HostileModelFile, Links) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    write_model_file(folder / "other.h5", sample_model());
    altered(path, [](hid_t file) {
        H5Ldelete(file, kWeight, H5P_DEFAULT);
        H5Lcreate_external("other.h5", kWeight, file, kWeight, H5P_DEFAULT, H5P_DEFAULT);
    });
    expect_refused(path, "Links are not followed");
    altered(path, [](hid_t file) {
        H5Ldelete(file, kWeight, H5P_DEFAULT);
        H5Lcreate_soft("/layers/000_dense_ß/bias", file, kWeight, H5P_DEFAULT, H5P_DEFAULT);
    });
    expect_refused(path, "Links are not followed");
    altered(path, [](hid_t file) {
        H5Ldelete(file, "/history", H5P_DEFAULT);
        H5Lcreate_external("other.h5", "/history", file, "/history", H5P_DEFAULT, H5P_DEFAULT);
    });
    expect_refused(path, "another file");
    altered(path, [](hid_t file) {
        H5Ldelete(file, "/layers", H5P_DEFAULT);
        H5Lcreate_soft("/history", file, "/layers", H5P_DEFAULT, H5P_DEFAULT);
    });
    expect_refused(path, "soft link");
    altered(path,
            [](hid_t file) { H5Lcreate_hard(file, "/", file, "/layers/loop", H5P_DEFAULT, H5P_DEFAULT); });
    EXPECT_NE(refusal(path), "") << "a group that holds its parent";
}

TEST(HostileModelFile, ValuesElsewhere) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    put_bytes(folder / "values.raw", std::string(4096, 'v'));
    altered(path, [&](hid_t file) {
        H5Dclose(replace_weight(file, {1024}, [&](hid_t properties) {
            H5Pset_external(properties, (folder / "values.raw").c_str(), 0, 4096);
        }));
    });
    expect_refused(path, "another file");
    altered(path, [&](hid_t file) {
        H5Dclose(replace_weight(file, {7}, [&](hid_t properties) {
            const hsize_t extent = 7;
            const hid_t space = H5Screate_simple(1, &extent, nullptr);
            H5Pset_virtual(properties, space, "other.h5", "/data", space);
            H5Sclose(space);
        }));
    });
    expect_refused(path, "virtual");
}

TEST(HostileModelFile, TypesShapesAndFilters) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    const auto plain = [](hid_t) {};
    altered(path, [&](hid_t file) { H5Dclose(replace_weight(file, {7}, plain, H5T_IEEE_F64LE)); });
    expect_refused(path, "32-bit floats");
    altered(path, [&](hid_t file) { H5Dclose(replace_weight(file, {1, 1, 1, 1, 1, 1, 1, 1, 1}, plain)); });
    expect_refused(path, "rank above 8");
    altered(path, [&](hid_t file) {
        H5Dclose(replace_weight(file, {64}, [](hid_t properties) {
            const hsize_t chunk = 64;
            H5Pset_chunk(properties, 1, &chunk);
            H5Pset_scaleoffset(properties, H5Z_SO_FLOAT_DSCALE, 2);
        }));
    });
    expect_refused(path, "filter");
    altered(path, [](hid_t file) {
        H5Ldelete(file, kWeight, H5P_DEFAULT);
        const hid_t group = H5Gcreate2(file, kWeight, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        put_text(group, "encoding-type", "wavelet-tree");
        H5Gclose(group);
    });
    expect_refused(path, "wavelet-tree");
    altered(path, [](hid_t file) {
        const std::int64_t one = 1;
        const hid_t dataset = H5Dopen2(file, kWeight, H5P_DEFAULT);
        const hid_t order = H5Aopen(dataset, "order", H5P_DEFAULT);
        H5Awrite(order, H5T_NATIVE_INT64, &one);
        H5Aclose(order);
        H5Dclose(dataset);
    });
    expect_refused(path, "same order");
}

TEST(HostileModelFile, HugePromisesAreRefusedBeforeAllocation) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    const auto chunked = [](hid_t properties) {
        const hsize_t chunk = 1024;
        H5Pset_chunk(properties, 1, &chunk);
        H5Pset_deflate(properties, 9);
    };
    for (const hsize_t extent : {hsize_t{1} << 30, hsize_t{1} << 45, hsize_t{1} << 61}) {
        altered(path, [&](hid_t file) { H5Dclose(replace_weight(file, {extent}, chunked)); });
        expect_refused(path, "promises");
    }
    altered(path, [&](hid_t file) {
        H5Dclose(replace_weight(file, {hsize_t{1} << 31, hsize_t{1} << 31}, [](hid_t properties) {
            const std::array<hsize_t, 2> chunk{1, 1024};
            H5Pset_chunk(properties, 2, chunk.data());
        }));
    });
    expect_refused(path, "promises");
    // Small enough for the file, but no value is stored.
    altered(path, [&](hid_t file) { H5Dclose(replace_weight(file, {4096}, chunked)); });
    expect_refused(path, "missing");
    altered(path, [&](hid_t file) {
        const hid_t dataset = replace_weight(
            file, {16},
            [](hid_t properties) {
                const hsize_t chunk = hsize_t{1} << 29;  // two gibibytes for sixteen values
                H5Pset_chunk(properties, 1, &chunk);
                H5Pset_deflate(properties, 9);
            },
            H5T_IEEE_F32LE, true);
        H5Dclose(dataset);
    });
    expect_refused(path, "larger than its dataset");
}

TEST(HostileModelFile, ChunksThatUnpackToAnotherSize) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{100}, std::size_t{4092}, std::size_t{4100}, std::size_t{1} << 20}) {
        altered(path, [&](hid_t file) {
            const hid_t dataset = replace_weight(file, {1024}, [](hid_t properties) {
                const hsize_t chunk = 1024;
                H5Pset_chunk(properties, 1, &chunk);
                H5Pset_shuffle(properties);
                H5Pset_deflate(properties, 9);
            });
            const std::vector<Bytef> values(bytes, 1);
            uLongf packed_bytes = compressBound(bytes);
            std::vector<Bytef> packed(packed_bytes);
            compress(packed.data(), &packed_bytes, values.data(), bytes);
            const hsize_t offset = 0;
            H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &offset, packed_bytes, packed.data());
            H5Dclose(dataset);
        });
        expect_refused(path, "chunk");
    }
}

TEST(HostileModelFile, OtherWritersStorageIsRead) {
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    ModelFile expected = sample_model();
    const std::vector<float>& values = expected.layers[0].tensors[0].tensor.values;  // 31 × 101
    const std::string hash = sha256(std::as_bytes(std::span(values)));
    const std::vector<std::function<void(hid_t)>> layouts = {
        [](hid_t) {},
        [](hid_t p) { H5Pset_layout(p, H5D_COMPACT); },
        [](hid_t p) {
            H5Pset_chunk(p, 2, std::array<hsize_t, 2>{7, 13}.data());
        },
        [](hid_t p) {
            H5Pset_chunk(p, 2, std::array<hsize_t, 2>{31, 10}.data());
            H5Pset_fletcher32(p);
            H5Pset_deflate(p, 1);
            H5Pset_shuffle(p);
        },
    };
    for (const auto& layout : layouts) {
        altered(path, [&](hid_t file) {
            const hid_t dataset = replace_weight(file, {31, 101}, layout);
            H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
            put_text(dataset, "sha256", hash);
            H5Dclose(dataset);
        });
        EXPECT_EQ(refusal(path), "");
        EXPECT_TRUE(same(expected, read_model_file(path)));
    }
    altered(path, [&](hid_t file) {
        const hid_t dataset = replace_weight(file, {31, 101}, layouts[0]);
        std::vector<float> other = values;
        other[5] += 1;
        H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, other.data());
        put_text(dataset, "sha256", hash);
        H5Dclose(dataset);
    });
    expect_refused(path, "SHA-256");
}

}  // namespace
}  // namespace spectral::test
