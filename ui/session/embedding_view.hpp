// What the Embeddings page shows, computed off its thread: encodings of positions, windings, and the vectors
// of tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/nn/embedding_analysis.hpp"

namespace spectral::ui {

/// What the page can be asked for without a model.
struct EncodingRequest {
    std::int64_t width = 64, positions = 128, heads = 4, vocabulary = 65;
    std::int64_t along = 1, around = 2;  ///< windings of the torus
    PositionKind similarity_of = PositionKind::golden;
    bool operator==(const EncodingRequest&) const = default;
};

/// Of how many tokens at most something is painted, and to which distance curves go.
inline constexpr std::int64_t kMostTokensShown = 4096, kFarthest = 10000;

struct EncodingView {
    EncodingRequest request;
    std::shared_ptr<const std::vector<float>> golden, standard, similarity;
    std::vector<double> golden_curve, standard_curve, rotary_curve;  ///< distances 0 … kFarthest
    std::int64_t head_size = 0;
    std::vector<Point3> torus;
};

EncodingView view_encodings(const EncodingRequest& request);

/// Vectors and their first two principal components. Throws Error as principal_components().
struct VectorView {
    std::shared_ptr<const HostTensor> vectors;
    PrincipalComponents components;
};

VectorView view_vectors(std::shared_ptr<const HostTensor> vectors);

}  // namespace spectral::ui
