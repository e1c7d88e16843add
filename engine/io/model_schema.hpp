// What the model file's writer and reader agree on.
#pragma once

#include <cstddef>
#include <string_view>

namespace spectral {

inline constexpr std::string_view kModelEncoding = "spectral-model";
inline constexpr int kModelMajorVersion = 1;
inline constexpr std::string_view kModelVersionText = "1.0.0";
inline constexpr std::string_view kProducer = "Spectral Workbench";

/// Layers in a model, tensors in all its layers together, optimiser tensors.
inline constexpr std::size_t kMaxTensors = 10'000;
/// Of the readable part of a numbered link name.
inline constexpr std::size_t kMaxLinkNameBytes = 200;

}  // namespace spectral
