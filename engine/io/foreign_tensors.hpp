// What the readers of other programs' files share: floats of any width, and names that become layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/model_file.hpp"

namespace spectral {

/// Kind of every layer out of a foreign file, and the name of the layer of tensors whose names have one part.
inline constexpr std::string_view kImportedKind = "imported";
inline constexpr std::string_view kUnnamedLayer = "tensors";

/// The tensors of a foreign file: a model without configuration, history or provenance.
struct ForeignTensors {
    ModelFile model;
    std::vector<std::string> skipped;  ///< "step (I64)": what holds no real numbers
};

/// Takes tensors in the order of the file. "encoder.layer.0.weight" becomes tensor "weight" of layer
/// "encoder.layer.0"; a path is cut at its last "/" in the same way.
class TensorCollector {
public:
    explicit TensorCollector(std::string file) : file_(std::move(file)) {}
    /// Both throw Error on a name that is empty or longer than the model file holds, that is no UTF-8 or
    /// holds control characters, on one that is there already, and on more tensors than a model may have.
    void add(const std::string& name, HostTensor tensor);
    void skip(const std::string& name, std::string_view why);
    ForeignTensors finish() { return std::move(result_); }
    /// Of a tensor whose name was checked.
    Error error(const std::string& name, const std::string& why, std::string hint = {}) const {
        return {file_, "tensor '" + name + "' " + why, std::move(hint)};
    }
    void check_name(const std::string& name) const;

private:
    std::string file_;
    ForeignTensors result_;
    std::map<std::string, std::size_t, std::less<>> layers_;  ///< index by name
    std::set<std::string, std::less<>> seen_;                 ///< "layer/tensor"
};

/// Real numbers as files hold them.
enum class FloatType { f16, bf16, f32, f64 };
struct FloatFormat {
    FloatType type = FloatType::f32;
    bool big_endian = false;
};
std::size_t float_bytes(FloatType type);

/// Fills its argument with the bytes that come next; throws Error where there are none.
using ByteSource = std::function<void(std::span<std::byte>)>;

/// Throws Error whose why() names the first number that does not fit in 32 bits; infinities and NaN do.
std::vector<float> read_floats(FloatFormat format, std::size_t count, const ByteSource& next);

/// Values of a shape times bytes of each; nothing where no machine has so many.
std::optional<std::uint64_t> bytes_of_shape(std::span<const std::int64_t> extents, std::size_t value_bytes);

}  // namespace spectral
