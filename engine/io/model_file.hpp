// The model file: HDF5, schema version 1 (resources/docs/model-file.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/compress/packed_tensor.hpp"
#include "engine/core/schema.hpp"
#include "engine/core/tensor.hpp"
#include "engine/data/tokens.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

struct NamedTensor {
    std::string name;
    HostTensor tensor;
    /// How it is stored where it is not dense: 32-bit floats. Its shape is the tensor's; the tensor's values
    /// are those that it unpacks to, or absent where nobody asked for them.
    std::optional<PackedTensor> packed = std::nullopt;
    bool trained = true;  ///< false: a statistic of training, as a norm's running mean
};

/// One group below /layers, in the order of the network; its tensors are datasets of their names.
struct LayerRecord {
    std::string name;
    std::string kind;
    Json parameters = Json::object();
    std::vector<NamedTensor> tensors;
};

/// Columns of equal length; train columns by step, test columns by evaluation.
struct History {
    std::vector<std::int64_t> step;
    std::vector<float> loss, accuracy;
    std::vector<std::int64_t> test_step;
    std::vector<float> test_loss, test_accuracy;
};

/// Enough to go on bit for bit. Learning rate and data order are part of it.
struct Checkpoint {
    std::int64_t step = 0;             ///< updates done
    std::int64_t epoch = 0;            ///< epochs finished
    std::int64_t batch_in_epoch = 0;   ///< batches done of the current one
    std::int64_t steps_per_epoch = 0;  ///< 0: not known, in files of earlier versions
    double learning_rate = 0;
    std::uint64_t data_seed = 0;  ///< the order of an epoch is the shuffle of stream (data_seed, epoch)
    double epoch_loss_sum = 0;
    std::int64_t epoch_correct = 0;
    std::vector<NamedTensor> optimiser;
    std::vector<double> epoch_seconds;
};

/// Values of a parameter that somebody put in the place of the trained ones.
struct Replacement {
    std::string parameter;   ///< "purefft/pool"
    std::int64_t step = 0;   ///< updates done before
    std::int64_t first = 0;  ///< of the parameter's values
    std::int64_t count = 0;
    bool operator==(const Replacement&) const = default;
};
Json to_json(const Replacement& replacement);
inline constexpr std::size_t kMostReplacements = 64;

struct Provenance {
    std::string git, backend, device, library_versions;
    std::string start_sha256 = {};  ///< of the model file that gave the first weights; empty: the seed did
    /// What is in here cannot be had from the configuration alone.
    std::int64_t replacements = 0;
    std::vector<Replacement> replaced = {};  ///< the last kMostReplacements of them

    void add(Replacement replacement);
};

struct ModelFile {
    Json config = Json::object();
    std::optional<double>
        learning_rate;  ///< at the last step, before the schedule; the configuration has the first one
    std::optional<SignalShape> feature_shape;  ///< of a sample as the network takes it
    std::uint64_t seed = 0;
    std::string dataset, dataset_sha256;
    Vocabulary vocabulary;  ///< of a model of text: what its classes are; empty otherwise
    Json metrics = Json::object();
    std::vector<LayerRecord> layers;
    History history;
    Provenance provenance;
    std::optional<Checkpoint> checkpoint;  ///< absent in an exported model
    std::string producer, created_utc;     ///< filled by the writer, kept by the reader
};

/// What they take in memory, but for texts.
std::size_t bytes_of(const History& history);
std::size_t bytes_of(const ModelFile& model);

/// Replaces `path` atomically. Throws Error naming the file; the previous file is intact then. The image of
/// the file, which is made in memory first, is counted in `budget` where there is one.
void write_model_file(const std::filesystem::path& path, const ModelFile& model,
                      MemoryBudget* budget = nullptr);

/// Bytes of the file that write_model_file() would write.
std::size_t model_file_size(const ModelFile& model);

/// Everything is checked before it is believed: type, shape and byte counts against the file, hashes, no
/// external or soft links, no external storage, no virtual datasets, no filter but gzip, shuffle and
/// fletcher32. Throws Error on another program's file, a newer major version, or damage. Never crashes on
/// hostile bytes. `room` grows, before it is allocated, with what is read. Packed tensors are unpacked too,
/// or stay as they are.
enum class PackedTensors { unpack, keep };
ModelFile read_model_file(const std::filesystem::path& path, Reservation* room = nullptr,
                          PackedTensors packed = PackedTensors::unpack);

/// Whether `path` says that it is a model file, of whatever version; nothing else in it is looked at. Never
/// throws on what it finds there.
bool is_model_file(const std::filesystem::path& path);

}  // namespace spectral
