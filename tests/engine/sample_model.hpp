// A model with every awkward shape and value, and files on disk for the model file's tests.
#pragma once

#include <unistd.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "engine/core/random.hpp"
#include "engine/io/model_file.hpp"

namespace spectral::test {

namespace fs = std::filesystem;

/// A directory of its own that goes with the test.
class ScratchFolder {
public:
    ScratchFolder() {
        std::string pattern = (fs::temp_directory_path() / "spectral-test-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    fs::path operator/(const std::string& name) const { return path_ / name; }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

inline std::string file_bytes(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void put_bytes(const fs::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline HostTensor random_tensor(Random& random, Shape shape) {
    HostTensor tensor{shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
    for (float& value : tensor.values) value = static_cast<float>(random.normal());
    return tensor;
}

inline ModelFile sample_model() {
    Random random(7);
    ModelFile model;
    model.feature_shape = SignalShape{2, {4, 7}};
    model.config = {{"model", "purefft"}, {"learning_rate", 0.1}, {"note", "Frequenz ω = 2πf"}};
    model.seed = std::numeric_limits<std::uint64_t>::max();
    model.dataset = "mnist";
    model.dataset_sha256 = std::string(64, 'a');
    model.learning_rate = 0.000125;
    model.metrics = {{"test_accuracy", 0.855}, {"by_class", {1, 2, 3}}};
    model.provenance = {"0123abc", "cpu", "AMD EPYC, 2 threads", "HDF5 1.10.8", std::string(64, 'b')};
    model.provenance.add({"dense/ß/weight", 7, 101, 202});

    // Ranks 0 to 8, a tensor without elements, extents that divide nothing.
    LayerRecord ranks{"ranks", "test", {{"bias", true}}, {}};
    ranks.tensors.push_back({"zz_scalar", random_tensor(random, Shape{})});
    std::vector<std::int64_t> extents;
    for (const std::int64_t extent : {3, 1, 2, 5, 1, 2, 3, 1}) {
        extents.push_back(extent);
        ranks.tensors.push_back({"rank" + std::to_string(extents.size()),
                                 random_tensor(random, Shape(std::span<const std::int64_t>(extents)))});
    }
    ranks.tensors.push_back({"empty", {Shape{3, 0, 2}, {}}});
    LayerRecord weights{"dense/ß", "dense", Json::object(), {}};
    weights.tensors.push_back({"weight", random_tensor(random, Shape{31, 101})});
    weights.tensors.push_back(
        {"bias",
         {Shape{3}, {std::bit_cast<float>(0x7fc12345U), -0.0F, std::numeric_limits<float>::infinity()}}});
    model.layers = {weights, ranks, {"activation", "relu", Json::object(), {}}};

    model.history = {
        {1, 2, 3}, {2.5F, 2.0F, std::numeric_limits<float>::quiet_NaN()}, {0.1F, 0.2F, 0.3F}, {3}, {1.9F},
        {0.4F}};
    Checkpoint checkpoint{};
    checkpoint.step = 1234;
    checkpoint.epoch = 2;
    checkpoint.batch_in_epoch = 17;
    checkpoint.steps_per_epoch = 610;
    checkpoint.learning_rate = 0.1 + 0.2;
    checkpoint.data_seed = 0x8000000000000001U;
    checkpoint.epoch_loss_sum = 1e-300;
    checkpoint.epoch_correct = 99;
    checkpoint.optimiser = {{"m/000_dense/weight", random_tensor(random, Shape{31, 101})},
                            {"a.second", random_tensor(random, Shape{7})}};
    checkpoint.epoch_seconds = {1.5, 1.25};
    model.checkpoint = checkpoint;
    return model;
}

/// Bit for bit, so that NaN and -0 count.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    const auto left = std::as_bytes(std::span(a)), right = std::as_bytes(std::span(b));
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

inline bool same(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const NamedTensor& x, const NamedTensor& y) {
        return x.name == y.name && x.tensor.shape == y.tensor.shape &&
               same_bits(x.tensor.values, y.tensor.values);
    });
}

inline bool same(const History& a, const History& b) {
    return a.step == b.step && a.test_step == b.test_step && same_bits(a.loss, b.loss) &&
           same_bits(a.accuracy, b.accuracy) && same_bits(a.test_loss, b.test_loss) &&
           same_bits(a.test_accuracy, b.test_accuracy);
}

inline bool same(const Checkpoint& a, const Checkpoint& b) {
    return a.step == b.step && a.epoch == b.epoch && a.batch_in_epoch == b.batch_in_epoch &&
           a.steps_per_epoch == b.steps_per_epoch && a.learning_rate == b.learning_rate &&
           a.data_seed == b.data_seed && a.epoch_loss_sum == b.epoch_loss_sum &&
           a.epoch_correct == b.epoch_correct && same(a.optimiser, b.optimiser) &&
           same_bits(a.epoch_seconds, b.epoch_seconds);
}

inline bool same(const std::vector<LayerRecord>& a, const std::vector<LayerRecord>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const LayerRecord& x, const LayerRecord& y) {
        return x.name == y.name && x.kind == y.kind && x.parameters == y.parameters &&
               same(x.tensors, y.tensors);
    });
}

/// Everything but the producer and the date.
inline bool same(const std::optional<SignalShape>& a, const std::optional<SignalShape>& b) {
    return a.has_value() == b.has_value() && (!a || (a->rank == b->rank && a->extent == b->extent));
}

inline bool same(const ModelFile& a, const ModelFile& b) {
    return same(a.feature_shape, b.feature_shape) && a.config == b.config && a.seed == b.seed &&
           a.dataset == b.dataset && a.dataset_sha256 == b.dataset_sha256 && a.metrics == b.metrics &&
           a.learning_rate == b.learning_rate && same(a.layers, b.layers) && same(a.history, b.history) &&
           a.provenance.git == b.provenance.git && a.provenance.backend == b.provenance.backend &&
           a.provenance.device == b.provenance.device &&
           a.provenance.library_versions == b.provenance.library_versions &&
           a.provenance.start_sha256 == b.provenance.start_sha256 &&
           a.provenance.replacements == b.provenance.replacements &&
           a.provenance.replaced == b.provenance.replaced &&
           a.checkpoint.has_value() == b.checkpoint.has_value() &&
           (!a.checkpoint || same(*a.checkpoint, *b.checkpoint));
}

}  // namespace spectral::test
