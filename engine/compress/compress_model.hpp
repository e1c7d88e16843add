// A whole model in fewer bytes: what every tensor is stored as, within a number of bytes of the file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/compress/importance.hpp"
#include "engine/compress/method.hpp"
#include "engine/compress/seriation.hpp"
#include "engine/core/progress.hpp"
#include "engine/io/model_file.hpp"

namespace spectral {

/// How much is kept; of all tensors together, or of each.
struct CompressTarget {
    enum class By {
        ratio,      ///< dense bytes / bytes of the file
        bytes,      ///< of the file
        max_error,  ///< ‖W − Ŵ‖/‖W‖ of every tensor, in the fewest bytes
        density,    ///< share of every tensor's degrees of freedom, by a method that has rates
    };
    By by = By::ratio;
    double value = 10;
};

/// The method, for every tensor that can choose it, or "auto".
inline constexpr std::string_view kAutoMethod = "auto";
/// Tensors of fewer values stay at 8 or 16 bits whatever the method: there is nothing to gain.
inline constexpr std::int64_t kSmallTensor = 1024;

/// So few bytes are not possible; the message says how many are.
class OutOfReach : public BadValue {
public:
    using BadValue::BadValue;
};

struct CompressRequest {
    std::string method{kAutoMethod};
    /// By "layer/tensor": another method than the rest.
    std::map<std::string, std::string> methods;
    PackOptions options;      ///< but for the order, which is each tensor's own
    OrderSides order;         ///< that may be changed where a transform gains more by it than it costs
    Importances importances;  ///< from calibration; empty: an error counts by its energy
    bool with_nulls = false;  ///< methods that are not stored may be named: to compare with them
};

struct TensorReport {
    std::string name;  ///< "layer/tensor"
    Shape shape;
    std::string method;
    std::int64_t dense_bytes = 0, stored_bytes = 0;
    double relative_error = 0, energy_retained = 1;
    double kept = 1;    ///< share of the degrees of freedom that is stored
    double damage = 0;  ///< of the error, as its importance weighs it
    bool fixed = false;
    OrderSides ordered = {};  ///< what is stored in another order
};

/// By "layer/tensor": stored so, whatever the target; its bytes count.
using FixedTensors = std::map<std::string, PackedTensor>;

struct CompressResult {
    ModelFile model;  ///< to be written; without checkpoint and history
    std::vector<TensorReport> tensors;
    std::int64_t dense_bytes = 0;  ///< of all tensors as 32-bit floats
    std::int64_t file_bytes = 0;   ///< of the model file, without a judgement, which targets leave room for
    double ratio() const { return static_cast<double>(dense_bytes) / static_cast<double>(file_bytes); }
    double relative_error = 0;  ///< of all weights together
};

/// A model whose tensors are made ready for their methods once, and packed to as many targets as wanted.
class ModelCompressor {
public:
    /// `model` outlives it. Throws Error on unknown methods and names of tensors, on a model without tensors,
    /// and on values that are not finite, naming tensor and place.
    ModelCompressor(Device device, const ModelFile& model, const CompressRequest& request,
                    const Progress& progress);
    ~ModelCompressor();
    ModelCompressor(ModelCompressor&&) noexcept;
    ModelCompressor& operator=(ModelCompressor&&) noexcept;

    /// Throws Error on a target that cannot be reached, naming what can, and on fixed tensors that are not
    /// the model's.
    CompressResult pack(const CompressTarget& target, const Progress& progress,
                        const FixedTensors& fixed = {});
    /// What a packed model of the same tensors came to: one that pack() gave, or trained on since.
    CompressResult result_of(ModelFile packed, const FixedTensors& fixed = {}) const;
    /// Of the file that a target asks for; nothing where it asks for no size.
    std::optional<std::int64_t> target_bytes(const CompressTarget& target) const;
    std::int64_t dense_bytes() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spectral
