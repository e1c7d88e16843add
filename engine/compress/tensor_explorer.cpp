#include "engine/compress/tensor_explorer.hpp"

#include <algorithm>
#include <utility>

namespace spectral {

namespace {

constexpr std::int64_t kEnergyPoints = 200;

}  // namespace

TensorExplorer::TensorExplorer(Device device, std::shared_ptr<const HostTensor> dense,
                               const std::string& method)
    : device_(device), dense_(std::move(dense)) {
    packer_ = find_method(method).prepare(device_, *dense_);
    auto view = std::make_shared<MethodView>();
    view->method = method;
    view->weights = picture_of(dense_->shape, dense_->values);
    if (const Basis* basis = packer_->basis()) {
        if (basis->choice().kind != BasisKind::identity)
            inverse_.emplace(device_, *basis, BasisTransform::Use::inverse);
        view->has_coefficients = true;
        view->is_complex = basis->parts() == 2;
        view->map = std::make_shared<CoefficientMap>(*basis);
        view->magnitudes = view->map->magnitudes(packer_->coefficients(), view->phases);
    } else {
        BasisChoice whole;
        whole.kind = BasisKind::fft;
        const Basis fourier(dense_->shape, whole);
        view->is_complex = true;
        view->map = std::make_shared<CoefficientMap>(fourier);
        view->magnitudes = view->map->magnitudes(fourier.forward(device_, *dense_), view->phases);
    }
    view->steps = packer_->steps();
    view->energies = packer_->energies(kEnergyPoints);
    view->least_kept = packer_->store(1).kept;
    if (view->has_coefficients && view->energies.size() > 1)
        view->noise = noise_energies(packer_->basis()->parts(), view->least_kept, kEnergyPoints);
    view_ = std::move(view);
}

TensorLook TensorExplorer::look(double density) const {
    TensorLook look;
    Stored stored = packer_->store(packer_->step_at(density));
    look.packed = std::move(stored.packed);
    look.kept = stored.kept;
    HostTensor back{dense_->shape, {}};
    if (const Basis* basis = packer_->basis()) {
        look.marks = view_->map->kept(stored.decoded);
        back = basis->inverse(device_, stored.decoded, inverse_ ? &*inverse_ : nullptr);
    } else {
        back.values = std::move(stored.decoded);
    }
    look.reconstruction = picture_of(dense_->shape, back.values);
    for (std::size_t i = 0; i < back.values.size(); ++i) back.values[i] = dense_->values[i] - back.values[i];
    look.difference = picture_of(dense_->shape, back.values);
    return look;
}

}  // namespace spectral
