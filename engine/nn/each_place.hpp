// One layer for every place of a sequence: the same weights at each.
#pragma once

#include <memory>

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "engine/nn/sequence_size.hpp"

namespace spectral {

class EachPlace final : public Layer {
public:
    /// `inner` was made for max_batch × places rows.
    EachPlace(Device device, std::unique_ptr<Layer> inner, std::int64_t places, std::int64_t max_batch,
              Use use = Use::train)
        : Layer(inner->name(), use),
          inner_(std::move(inner)),
          places_(places),
          input_(device, name(), places * inner_->inputs(), max_batch) {}

    std::string_view kind() const override { return "each-place"; }
    Json config() const override {
        return {{"places", places_}, {"inner", inner_->kind()}, {"inner_config", inner_->config()}};
    }
    std::int64_t inputs() const override { return places_ * inner_->inputs(); }
    std::int64_t outputs() const override { return places_ * inner_->outputs(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override {
        inner_->forward(batch * places_, {input_.contiguous(batch, x), inner_->inputs(), nullptr}, y,
                        training);
    }
    void backward(std::int64_t batch, const float* dy, float* dx) override {
        inner_->backward(batch * places_, dy, dx);
    }
    std::vector<Parameter*> parameters() override { return inner_->parameters(); }
    std::vector<Layer*> children() const override { return {inner_.get()}; }
    void begin_step(std::int64_t step) override { inner_->begin_step(step); }
    std::vector<PatternSnapshot::Matrix> patterns() override { return inner_->patterns(); }

private:
    std::unique_ptr<Layer> inner_;
    std::int64_t places_;
    InputRows input_;
};

}  // namespace spectral
