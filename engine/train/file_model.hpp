// The model of a file: the network that its configuration names, in the sizes of the tensors that it holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/io/model_file.hpp"
#include "engine/nn/model.hpp"

namespace spectral {

/// Throws Error where the file says nothing of the network that its tensors belong to, as weights of another
/// program do. `where` names the file.
void require_network(const ModelFile& file, const std::string& where);

/// Whole where the run stands between two epochs; in files of earlier versions the last whole one.
double epochs_done(const Checkpoint& at);

struct NetworkSides {
    SignalShape features;  ///< of a sample, as they go in
    std::int64_t classes = 0;
};

/// Of the network of a file. Throws Error where the file has none, or not as many numbers as its
/// configuration promises.
NetworkSides network_sides(const ModelFile& file, const std::string& where);

/// Only to be run, and not with the file's weights yet. Throws Error as network_sides(), before
/// memory is asked for.
std::unique_ptr<Model> make_file_model(Device device, const ModelFile& file, const std::string& where,
                                       std::int64_t max_batch);

/// The record's tensors into `layer`, packed ones unpacked. Throws Error when name, kind, tensors or shapes
/// are not those of the layer, OutOfMemory where the budget has no room to unpack in.
void load_layer(Device device, Layer& layer, const LayerRecord& record);

/// Throws Error where the file has not as many layers as its model.
void require_same_layers(std::size_t layers, std::size_t records);

/// The file's weights into `model`. Throws as load_layer(), and when there are other layers.
void load_layers(Device device, Model& model, const ModelFile& file);

/// The matrices that the file's model shows of what it learned, as Model::patterns() gives them. `where`
/// names the file. Throws Error when its layers are not those of its configuration.
std::vector<PatternSnapshot::Matrix> patterns_of(const ModelFile& file, const std::string& where);

}  // namespace spectral
