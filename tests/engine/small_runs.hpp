// What tests of training runs share: an experiment of a second, its weights, and a file that goes.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/model_file.hpp"
#include "engine/train/config.hpp"

namespace spectral::test {

/// Tones or, where a model learns nothing from them, strokes; 16 batches an epoch.
inline ExperimentConfig small(std::string model = "purefft") {
    ExperimentConfig config;
    config.dataset = "tones";
    config.dataset_options = {{"train_samples", 1000}, {"test_samples", 200}, {"length", 64}};
    if (model == "purefft-complex") {  // linear in the signal: tones whose phases are random tell it nothing
        config.dataset = "strokes";
        config.dataset_options.erase("length");
    }
    config.model = std::move(model);
    config.batch = 64;
    config.epochs = 4;
    config.seed = 3;
    return resolved(config);
}

inline std::vector<float> weights(const ModelFile& file) {
    std::vector<float> all;
    for (const LayerRecord& layer : file.layers)
        for (const NamedTensor& tensor : layer.tensors)
            all.insert(all.end(), tensor.tensor.values.begin(), tensor.tensor.values.end());
    return all;
}

class TempFile {
public:
    explicit TempFile(const std::string& name)
        : path_(std::filesystem::temp_directory_path() / (std::to_string(getpid()) + name)) {}
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;
    ~TempFile() { std::filesystem::remove(path_); }
    std::string string() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

}  // namespace spectral::test
