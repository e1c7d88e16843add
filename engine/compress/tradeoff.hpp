// What every method costs and loses over its rates, beside what it would lose on weights without any
// structure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/compress/compress_model.hpp"

namespace spectral {

struct CurvePoint {
    std::int64_t bytes = 0;  ///< of the coded tensor, or of the model's file
    double ratio = 1, relative_error = 0;
    std::optional<double> accuracy;
};

struct Curve {
    std::string tensor;  ///< "layer/tensor"; empty: the whole model
    std::string method, title;
    bool is_null = false;            ///< a basis without meaning, or white noise in place of the weights
    std::vector<CurvePoint> points;  ///< ascending bytes
};

/// Of one tensor: every method, the random basis, and the FFT and the magnitudes of white noise of its shape.
/// Throws Error as Method::prepare, Cancelled when `progress` says so.
std::vector<Curve> tensor_curves(Device device, const std::string& name, const HostTensor& dense,
                                 const Progress& progress);

/// The accuracy of a model.
using Judgement = std::function<double(const ModelFile& model)>;

/// Of a whole model at a number of ratios: every method for all its tensors, and all of them together
/// ("auto"). Ratios that a method does not reach are left out. `judge` may be empty.
std::vector<Curve> model_curves(Device device, const ModelFile& model, const Importances& importances,
                                const Judgement& judge, const Progress& progress);

/// A line for every point, under a line of names.
std::string curves_csv(const std::vector<Curve>& curves);

}  // namespace spectral
