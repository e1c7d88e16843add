#include "ui/session/embedding_view.hpp"

#include <algorithm>
#include <utility>

#include "engine/nn/rotary.hpp"

namespace spectral::ui {

namespace {

std::shared_ptr<const std::vector<float>> shared(HostTensor tensor) {
    return std::make_shared<const std::vector<float>>(std::move(tensor.values));
}

}  // namespace

EncodingView view_encodings(const EncodingRequest& request) {
    EncodingView view;
    view.request = request;
    view.golden = shared(position_table(PositionKind::golden, request.positions, request.width));
    view.standard = shared(position_table(PositionKind::standard, request.positions, request.width));
    view.similarity = shared(position_similarity(request.similarity_of, request.positions, request.width));
    const auto curve = [&](double base, std::int64_t width) {
        return similarity_curve(base, width, kFarthest);
    };
    view.golden_curve = curve(position_base(PositionKind::golden), request.width);
    view.standard_curve = curve(position_base(PositionKind::standard), request.width);
    // Heads of an even size: the nearest below.
    view.head_size = std::max<std::int64_t>(2, request.width / request.heads / 2 * 2);
    view.rotary_curve = curve(kRotaryBase, view.head_size);
    view.torus = winding_torus(request.vocabulary, request.along, request.around,
                               std::min(request.vocabulary, kMostTokensShown));
    return view;
}

VectorView view_vectors(std::shared_ptr<const HostTensor> vectors) {
    PrincipalComponents components = principal_components(*vectors, 2);
    return {std::move(vectors), std::move(components)};
}

}  // namespace spectral::ui
