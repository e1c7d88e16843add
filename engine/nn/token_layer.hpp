// What turns tokens into vectors: the common interface of the embeddings.
#pragma once

#include <string>
#include <vector>

#include "engine/nn/layer.hpp"
#include "engine/nn/sequence_size.hpp"
#include "kernels/ops/embedding.hpp"

namespace spectral {

/// `places` tokens of a sample in, whole numbers in floats; places × width values out. Nobody learns from a
/// token's number: backward() takes no dx.
class TokenLayer : public Layer {
public:
    std::int64_t inputs() const override { return size_.places; }
    std::int64_t outputs() const override { return size_.values(); }
    /// {"places", "width", "vocabulary"} and what else the embedding was made with.
    Json config() const override {
        return {{"places", size_.places}, {"width", size_.width}, {"vocabulary", vocabulary_}};
    }
    std::int64_t vocabulary() const { return vocabulary_; }

    /// The vectors of tokens 0 … count − 1: count × width. Waits for queued operations.
    HostTensor vectors(std::int64_t count);
    /// "embedding": the vectors of the vocabulary, or of its first kShownTokens.
    std::vector<PatternSnapshot::Matrix> patterns() override;

    static constexpr std::int64_t kShownTokens = 4096;

protected:
    /// Throws BadValue "width" where that is below 1, Error on an empty vocabulary.
    TokenLayer(Device device, std::string name, SequenceSize size, std::int64_t vocabulary,
               std::int64_t max_batch, Use use);

    const SequenceSize& size() const { return size_; }
    Device device() const { return device_; }
    /// Tokens of the largest batch.
    std::int64_t most_tokens() const { return max_batch_ * size_.places; }
    TokenRows tokens(std::int64_t batch, const LayerInput& x) const {
        return {batch, size_.places, x.x, x.stride, x.rows};
    }
    /// Throws Error where backward() is asked for a gradient by the tokens, or the layer is only run.
    void require_no_input_gradient(const float* dx) const;

private:
    Device device_;
    SequenceSize size_;
    std::int64_t vocabulary_, max_batch_;
};

/// A learned vector for each token, and which of its rows the last batch took.
class TokenTable {
public:
    /// The "table", vocabulary × width, starts as N(0, deviation²) from stream `stream` of `seed`, but zero
    /// in the row of the padding; zero where it is only run. `padding` −1: none.
    TokenTable(Device device, const std::string& layer, std::int64_t vocabulary, std::int64_t width,
               std::int64_t padding, std::int64_t most_tokens, double deviation, std::uint64_t seed,
               std::uint64_t stream, Use use);

    /// y: scale·(rows of the tokens). Not a number for a token that the table does not hold.
    void take(const TokenRows& tokens, float scale, float* y);
    /// Sums the gradient by the rows of the last take() into the table's; none into the padding's.
    void give_back(std::int64_t count, const float* dy);

    Parameter& parameter() { return table_; }
    std::int64_t padding() const { return padding_; }

private:
    Device device_;
    std::int64_t padding_;
    Parameter table_;
    Buffer rows_;  ///< u32, of every token of the batch
};

}  // namespace spectral
