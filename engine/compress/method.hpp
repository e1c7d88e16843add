// Ways to store a tensor in fewer bytes, behind one interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/compress/packed_tensor.hpp"

namespace spectral {

/// What part of a tensor's degrees of freedom is kept, and what part of its energy ‖W‖² that holds; both 0 to
/// 1.
struct EnergyPoint {
    double kept = 0, energy = 0;
};

/// What a rate stores, and what that gives back.
struct Stored {
    PackedTensor packed;  ///< with the relative error of what is stored
    double kept = 0;      ///< kept_share() of it
    /// The coefficients in their places as they are unpacked; where a method has none, the tensor's values.
    std::vector<float> decoded;
};

/// One tensor made ready for one method: from there on every rate costs little. It refers to the device that
/// it was made with, and is used from the thread that uses it.
class Packer {
public:
    Packer() = default;
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;
    virtual ~Packer() = default;

    /// Rates 1 … steps(), each with no fewer bytes than the one before.
    virtual std::int64_t steps() const = 0;
    /// The rate that keeps this share (0 to 1) of the tensor's degrees of freedom, at least 1.
    virtual std::int64_t step_at(double density) const = 0;
    /// Coded bytes at a rate, without the header.
    virtual std::size_t bytes(std::int64_t step) const = 0;
    virtual Stored store(std::int64_t step) const = 0;
    PackedTensor pack(std::int64_t step) const { return store(step).packed; }
    /// What is kept at about so many rates, few to all, before numbers are rounded.
    virtual std::vector<EnergyPoint> energies(std::int64_t points) const = 0;

    /// What the stored numbers are chosen from; null and empty where they are no coefficients in a basis.
    virtual const Basis* basis() const { return nullptr; }
    virtual const std::vector<float>& coefficients() const {
        static const std::vector<float> none;
        return none;
    }
};

/// Of white noise: independent normal numbers of equal variance, `parts` of them (1 or 2) making one
/// coefficient. Complex ones keep E = p(1 − ln p), for |c|² is exponential; of real ones those above t are
/// p = erfc(t/√2) and hold E = p + t·√(2/π)·e^(−t²/2).
std::vector<EnergyPoint> noise_energies(int parts, double least_kept, std::int64_t points);

/// What can be set by hand; what is not is chosen per tensor.
struct PackOptions {
    std::optional<BasisChoice> basis;  ///< view, axes and seed, where a method has them
    std::optional<IndexCoding> index_coding;
    MatrixOrder order;  ///< taken by methods that transform where it pays for its bytes
};

struct Method {
    std::string name;   ///< "fft-int8"
    std::string title;  ///< "FFT, 8-bit"
    std::string help;   ///< one sentence
    std::unique_ptr<Packer> (*make)(Device device, const HostTensor& dense, const std::string& name,
                                    const PackOptions& options) = nullptr;
    /// A null hypothesis: there to compare with, never stored.
    bool is_null = false;
    /// Whether it can keep more or less; else every value is kept.
    bool has_rates = true;
    /// By frequencies: it gains where neighbours are alike.
    bool is_transform = false;

    /// Throws Error on a tensor without values or axes, and on values that are not finite, naming the first.
    std::unique_ptr<Packer> prepare(Device device, const HostTensor& dense,
                                    const PackOptions& options = {}) const;
};

/// Throws as Method::prepare.
void require_packable(const HostTensor& dense);

const std::vector<Method>& method_registry();
/// Throws BadValue that lists those that can be stored.
const Method& find_method(std::string_view name);
/// "fft, dct, …": all but those that are only there to compare with.
std::string storable_methods();

/// Whether a method has anything to give for a shape in reasonable time: no tiles of a list, and no SVD of a
/// large matrix, which takes minutes and can still be asked for by name.
bool is_practical(const Method& method, const Shape& shape);

/// The highest rate of at most so many coded bytes; 0 where even the lowest has more.
std::int64_t step_within(const Packer& packer, std::size_t bytes);
/// The lowest rate whose error is at most `error`; nothing where none is.
std::optional<std::int64_t> step_for_error(const Packer& packer, double error);

/// Rates that spread over a tensor's bytes: from half of the dense ones down, four for every halving, to the
/// lowest; each once.
std::vector<std::int64_t> spread_steps(const Packer& packer, const Shape& shape);

/// ‖a − b‖/‖a‖, 0 of an a that is zero; summed in double.
double relative_error(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace spectral
