#include "engine/nn/transformer_block.hpp"

#include <utility>
#include <vector>

#include "engine/nn/composite.hpp"
#include "engine/nn/dropout_layer.hpp"
#include "engine/nn/layer_norm_layer.hpp"

namespace spectral {

namespace {

std::vector<std::unique_ptr<Layer>> residuals(Device device, SequenceSize size, std::unique_ptr<Layer> mix,
                                              std::unique_ptr<Layer> work, const BlockOptions& options,
                                              std::int64_t max_batch, Use use) {
    std::vector<std::unique_ptr<Layer>> parts;
    std::uint64_t dropout = options.dropout_number;
    for (std::unique_ptr<Layer>* part : {&mix, &work}) {
        const std::string name = (*part)->name();
        std::vector<std::unique_ptr<Layer>> branch;
        branch.push_back(std::make_unique<LayerNormLayer>(device, "norm", size, max_batch,
                                                          LayerNormLayer::Then::nothing, use));
        adopt(*branch.back());
        branch.push_back(std::move(*part));
        if (options.dropout > 0 && use == Use::train)
            branch.push_back(std::make_unique<DropoutLayer>(device, "dropout", options.dropout, size.values(),
                                                            max_batch, options.seed, dropout++));
        parts.push_back(std::make_unique<Residual>(
            device, name, std::make_unique<Sequential>(device, name, std::move(branch), max_batch, use),
            options.residual_scale, max_batch, use));
    }
    return parts;
}

}  // namespace

TransformerBlock::TransformerBlock(Device device, std::string name, SequenceSize size,
                                   std::unique_ptr<Layer> mix, std::unique_ptr<Layer> work,
                                   const BlockOptions& options, std::int64_t max_batch, Use use)
    : Layer(std::move(name), use),
      config_{{"residual_scale", options.residual_scale},
              {"dropout", options.dropout},
              {"mix", mix->kind()},
              {"mix_config", mix->config()},
              {"work", work->kind()},
              {"work_config", work->config()}},
      parts_(device, this->name(),
             residuals(device, size, std::move(mix), std::move(work), options, max_batch, use), max_batch,
             use) {}

}  // namespace spectral
