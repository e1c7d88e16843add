#include "engine/compress/compress_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "engine/compress/allocate.hpp"
#include "engine/train/provenance.hpp"

namespace spectral {

namespace {

/// Attempts to meet the bytes of the file, which only writing tells.
constexpr int kAttempts = 8;

/// `field`: of the request.
void require_storable(const CompressRequest& request, const char* field, const std::string& method) {
    if (method == kAutoMethod) return;
    try {
        if (find_method(method).is_null && !request.with_nulls)
            throw BadValue("method", fmt::format("'{}' is there to compare with, not to store by", method),
                           "use one of: " + storable_methods());
    } catch (const BadValue& failure) {
        throw BadValue(field, failure.why(), failure.hint());
    }
}

const char* field_of(CompressTarget::By by) {
    switch (by) {
        case CompressTarget::By::ratio:
            return "ratio";
        case CompressTarget::By::bytes:
            return "bytes";
        case CompressTarget::By::max_error:
            return "max_error";
        case CompressTarget::By::density:
            return "density";
    }
    return "target";
}

/// A share of the coefficients can only be kept by a method that leaves some out.
void require_rates(const std::string& method) {
    constexpr const char* kHint = "name a method that leaves coefficients out, such as fft";
    if (method == kAutoMethod) throw BadValue("density", "says nothing about which method keeps it", kHint);
    if (!find_method(method).has_rates)
        throw BadValue("density", fmt::format("method '{}' keeps every value", method), kHint);
}

struct Rate {
    std::size_t packer = 0;
    std::int64_t step = 0;
};

/// A tensor of the model and the ways to store it.
struct Candidate {
    std::size_t layer = 0, tensor = 0;
    std::string name;
    double energy = 0;
    Importance importance;
    std::vector<std::unique_ptr<Packer>> packers;
    std::vector<Rate> rates;                   ///< by OperatingPoint::choice
    std::vector<OperatingPoint> points, hull;  ///< all that were weighed, and the best by price
    const PackedTensor* fixed = nullptr;       ///< for the target at hand

    double damage(Device device, const HostTensor& dense, const PackedTensor& packed) const {
        if (!importance.column.empty()) return importance.damage(dense, unpack(device, packed));
        return importance.scale * energy * packed.relative_error * packed.relative_error;
    }
};

void add_point(Device device, Candidate& candidate, const HostTensor& dense, std::size_t packer,
               std::int64_t step, std::vector<OperatingPoint>& points) {
    const PackedTensor packed = candidate.packers[packer]->pack(step);
    points.push_back(
        {candidate.rates.size(), packed.stored_bytes(), candidate.damage(device, dense, packed)});
    candidate.rates.push_back({packer, step});
}

/// The points of every method over its rates.
void weigh(Device device, Candidate& candidate, const HostTensor& dense) {
    std::vector<OperatingPoint> points;
    for (std::size_t i = 0; i < candidate.packers.size(); ++i)
        for (const std::int64_t step : spread_steps(*candidate.packers[i], dense.shape))
            add_point(device, candidate, dense, i, step, points);
    candidate.hull = lower_hull(points);
    candidate.points = std::move(points);
}

std::vector<const Method*> methods_for(const CompressRequest& request, const std::string& name,
                                       const Shape& shape) {
    const auto own = request.methods.find(name);
    const std::string& method = own != request.methods.end() ? own->second : request.method;
    const bool small = shape.size() < kSmallTensor && own == request.methods.end();
    if (small) return {&find_method("f16"), &find_method("int8")};
    if (method != kAutoMethod) return {&find_method(method)};
    std::vector<const Method*> methods;
    for (const Method& each : method_registry())
        if (!each.is_null && is_practical(each, shape)) methods.push_back(&each);
    return methods;
}

/// Whether it can be stored in another way. Means and deviations of the features are no weights, nor are
/// those that norms keep: a deviation rounded to zero loses its feature.
bool is_weight(const LayerRecord& layer, const NamedTensor& tensor) {
    return layer.kind != "standardise" && tensor.trained && tensor.tensor.shape.rank() > 0 &&
           tensor.tensor.shape.size() > 0;
}

double energy_of(const HostTensor& tensor) {
    double energy = 0;
    for (const float value : tensor.values) energy += static_cast<double>(value) * static_cast<double>(value);
    return energy;
}

/// Where one of the methods can make use of it. Throws as Method::prepare and find_order().
MatrixOrder order_for(const std::vector<const Method*>& methods, const HostTensor& tensor, OrderSides sides,
                      MemoryBudget& budget, const Progress& progress) {
    if (sides == OrderSides{} || std::ranges::none_of(methods, &Method::is_transform)) return {};
    require_packable(tensor);
    return find_order(tensor, sides, budget, progress);
}

std::vector<Candidate> candidates(Device device, const ModelFile& model, const CompressRequest& request,
                                  const Progress& progress) {
    std::vector<Candidate> result;
    std::map<std::string, std::string> unknown = request.methods;
    double values = 0, done = 0;
    for (const LayerRecord& layer : model.layers)
        for (const NamedTensor& each : layer.tensors) values += static_cast<double>(each.tensor.shape.size());
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        const LayerRecord& layer = model.layers[l];
        for (std::size_t t = 0; t < layer.tensors.size(); ++t) {
            const HostTensor& tensor = layer.tensors[t].tensor;
            if (!is_weight(layer, layer.tensors[t])) continue;
            Candidate candidate;
            candidate.layer = l;
            candidate.tensor = t;
            candidate.name = layer.name + "/" + layer.tensors[t].name;
            unknown.erase(candidate.name);
            const auto important = request.importances.find(candidate.name);
            if (important != request.importances.end()) candidate.importance = important->second;
            candidate.energy = energy_of(tensor);
            report(progress, "weighing " + candidate.name, done / std::max(values, 1.0));
            try {
                const auto methods = methods_for(request, candidate.name, tensor.shape);
                PackOptions options = request.options;
                options.order = order_for(methods, tensor, request.order, device.budget, progress);
                for (const Method* method : methods)
                    candidate.packers.push_back(method->prepare(device, tensor, options));
            } catch (const OutOfMemory&) {
                throw;
            } catch (const Error& failure) {
                throw Error("tensor '" + candidate.name + "'", failure.what(), failure.hint());
            }
            done += static_cast<double>(tensor.shape.size());
            result.push_back(std::move(candidate));
        }
    }
    if (!unknown.empty()) {
        std::string known;
        for (const Candidate& each : result) known += (known.empty() ? "" : ", ") + each.name;
        throw BadValue("methods", fmt::format("the model has no tensor '{}'", unknown.begin()->first),
                       "its tensors are: " + known);
    }
    if (result.empty())
        throw Error("model", "it has no tensors to compress", "Tensors need an axis and a value.");
    if (request.options.basis && std::ranges::none_of(result, [&](const Candidate& each) {
            return axes_fit(*request.options.basis,
                            model.layers[each.layer].tensors[each.tensor].tensor.shape);
        }))
        throw BadValue("axes", "no tensor of the model has so many", "count them from 0");
    return result;
}

/// The copy that is written, its tensors packed.
ModelFile packed_model(Device device, const ModelFile& model) {
    ModelFile result = model;
    result.checkpoint.reset();
    result.history = {};
    result.metrics = Json::object();  // they were the dense model's
    result.provenance = provenance_of(device.backend);
    return result;
}

void put(ModelFile& model, const Candidate& candidate, PackedTensor packed) {
    NamedTensor& tensor = model.layers[candidate.layer].tensors[candidate.tensor];
    tensor.tensor.values.clear();
    tensor.packed = std::move(packed);
}

std::int64_t wanted_bytes(const CompressTarget& target, std::int64_t dense_bytes) {
    if (target.by == CompressTarget::By::ratio) {
        if (!(target.value >= 1 && target.value <= 1e6))
            throw BadValue("ratio", fmt::format("{:g} is not between 1 and 1e6", target.value),
                           "a file has to become smaller: 10 makes it a tenth of the dense bytes");
        return static_cast<std::int64_t>(static_cast<double>(dense_bytes) / target.value);
    }
    if (!(target.value >= 1 && target.value <= 1e15))
        throw BadValue("bytes", fmt::format("{:g} is no number of bytes", target.value),
                       "give the bytes that the file may have, such as 40KiB");
    return static_cast<std::int64_t>(target.value);
}

/// The points on the hull lie apart, and may be far apart: what is left of the bytes goes to the largest
/// tensors first, to the best way that was weighed, and to as high a rate of it as they pay for.
void use_up(const std::vector<Candidate>& all, const std::vector<OperatingPoint>& points,
            std::vector<Rate>& rates, std::int64_t budget) {
    std::vector<std::size_t> order(all.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::greater<>{}, [&](std::size_t i) { return points[i].bytes; });
    for (const OperatingPoint& point : points) budget -= static_cast<std::int64_t>(point.bytes);
    for (const std::size_t i : order) {
        if (budget <= 0) return;
        if (all[i].fixed != nullptr) continue;
        const std::size_t available = points[i].bytes + static_cast<std::size_t>(budget);
        OperatingPoint best = points[i];
        for (const OperatingPoint& other : all[i].points)
            if (other.bytes <= available && other.damage < best.damage) best = other;
        if (best.choice != points[i].choice) rates[i] = all[i].rates[best.choice];
        const Packer& packer = *all[i].packers[rates[i].packer];
        const std::size_t coded = packer.bytes(rates[i].step), header = best.bytes - coded;
        const std::int64_t step = std::max(rates[i].step, step_within(packer, available - header));
        budget -= static_cast<std::int64_t>(packer.bytes(step) + header) -
                  static_cast<std::int64_t>(points[i].bytes);
        rates[i].step = step;
    }
}

/// Packs to at most so many coded bytes, or as small as can be. Gives the bytes of the file.
std::int64_t pack_to(const std::vector<Candidate>& all, std::int64_t budget, ModelFile& model) {
    std::vector<std::vector<OperatingPoint>> hulls;
    for (const Candidate& each : all)
        hulls.push_back(each.fixed != nullptr
                            ? std::vector<OperatingPoint>{{0, each.fixed->stored_bytes(), 0}}
                            : each.hull);
    const auto chosen = allocate(hulls, static_cast<std::size_t>(std::max<std::int64_t>(budget, 0)));
    std::vector<OperatingPoint> points;
    std::vector<Rate> rates;
    for (std::size_t i = 0; i < all.size(); ++i) {
        points.push_back(hulls[i][chosen ? (*chosen)[i] : 0]);
        rates.push_back(all[i].rates[points.back().choice]);
    }
    if (chosen) use_up(all, points, rates, budget);
    for (std::size_t i = 0; i < all.size(); ++i)
        put(model, all[i],
            all[i].fixed != nullptr ? *all[i].fixed : all[i].packers[rates[i].packer]->pack(rates[i].step));
    return static_cast<std::int64_t>(model_file_size(model));
}

/// Packs to at most `wanted` bytes of the file: of how many coded bytes those are, only writing tells. The
/// file adds its own, and gzip takes some away.
void pack_within(const std::vector<Candidate>& all, ModelFile& model, CompressTarget::By by,
                 std::int64_t wanted, const Progress& progress) {
    std::int64_t low = 0, high = 2 * wanted;
    for (const Candidate& each : all)
        low += static_cast<std::int64_t>(each.fixed != nullptr ? each.fixed->stored_bytes()
                                                               : each.hull.front().bytes);
    std::int64_t file_bytes = pack_to(all, low, model);
    if (file_bytes > wanted)
        throw OutOfReach(
            field_of(by),
            fmt::format("a file of {} bytes is not possible with these methods: the smallest has {}", wanted,
                        file_bytes),
            "ask for more bytes, or let the methods be chosen (auto)");
    ModelFile fits = model;
    std::int64_t best = file_bytes, budget = low;
    for (int attempt = 0; attempt < kAttempts && wanted - best > wanted / 200; ++attempt) {
        report(progress, "packing", static_cast<double>(attempt) / kAttempts);
        // As many bytes more or fewer as the last attempt was off; halfway where that is known to fail.
        budget += wanted - file_bytes;
        if (budget <= low || budget >= high) budget = low + (high - low) / 2;
        file_bytes = pack_to(all, budget, model);
        if (file_bytes > wanted) {
            high = budget;
            continue;
        }
        low = budget;
        if (file_bytes > best) {
            best = file_bytes;
            fits = model;
        }
    }
    model = std::move(fits);
}

/// By the method and rate of the fewest bytes whose error is small enough; nothing where none is.
std::optional<PackedTensor> pack_to_error(const Candidate& candidate, double error) {
    std::optional<PackedTensor> best;
    for (const auto& packer : candidate.packers) {
        const std::optional<std::int64_t> step = step_for_error(*packer, error);
        if (!step) continue;
        PackedTensor packed = packer->pack(*step);
        if (!best || packed.stored_bytes() < best->stored_bytes()) best = std::move(packed);
    }
    return best;
}

void pack_each(const std::vector<Candidate>& all, ModelFile& model, const CompressTarget& target) {
    const bool by_error = target.by == CompressTarget::By::max_error;
    if (by_error && !(target.value >= 0 && target.value < 1))
        throw BadValue("max_error", fmt::format("{:g} is not at least 0 and below 1", target.value),
                       "give the part of each tensor's norm that may be lost, such as 0.1");
    if (!by_error && !(target.value > 0 && target.value <= 1))
        throw BadValue("density", fmt::format("{:g} is not above 0 and at most 1", target.value),
                       "give the share of each tensor's coefficients to keep, such as 0.1");
    for (const Candidate& each : all) {
        if (each.fixed != nullptr) {
            put(model, each, *each.fixed);
            continue;
        }
        const Packer& first = *each.packers.front();
        std::optional<PackedTensor> packed =
            by_error ? pack_to_error(each, target.value) : first.pack(first.step_at(target.value));
        if (packed) put(model, each, std::move(*packed));  // else it stays as it is, without any error
    }
}

}  // namespace

struct ModelCompressor::Impl {
    Device device;
    const ModelFile& model;
    std::string method;
    bool weighed = false;
    std::int64_t dense_bytes = 0;
    std::vector<Candidate> all;

    const HostTensor& dense(const Candidate& each) const {
        return model.layers[each.layer].tensors[each.tensor].tensor;
    }

    void fix(const FixedTensors& fixed) {
        std::size_t found = 0;
        for (Candidate& each : all) {
            const auto own = fixed.find(each.name);
            each.fixed = own != fixed.end() ? &own->second : nullptr;
            if (each.fixed == nullptr) continue;
            if (!(each.fixed->shape == dense(each).shape) || find_method(each.fixed->method).is_null)
                throw Error("tensor '" + each.name + "'", "it cannot be stored as what is fixed for it");
            ++found;
        }
        require(found == fixed.size(), "fixed tensors", "the model has not all of them");
    }

    void weigh_all(const Progress& progress) {
        if (weighed) return;
        double done = 0;
        for (Candidate& each : all) {
            report(progress, "weighing " + each.name, done / static_cast<double>(all.size()));
            weigh(device, each, dense(each));
            ++done;
        }
        weighed = true;
    }
};

ModelCompressor::ModelCompressor(Device device, const ModelFile& model, const CompressRequest& request,
                                 const Progress& progress)
    : impl_(std::make_unique<Impl>(Impl{device, model, {}, false, 0, {}})) {
    require_storable(request, "method", request.method);
    for (const auto& [name, method] : request.methods) require_storable(request, "methods", method);
    impl_->method = request.method;
    for (const LayerRecord& layer : model.layers)
        for (const NamedTensor& each : layer.tensors)
            impl_->dense_bytes += each.tensor.shape.size() * static_cast<std::int64_t>(sizeof(float));
    impl_->all = candidates(device, model, request, progress);
}

ModelCompressor::~ModelCompressor() = default;
ModelCompressor::ModelCompressor(ModelCompressor&&) noexcept = default;
ModelCompressor& ModelCompressor::operator=(ModelCompressor&&) noexcept = default;

std::int64_t ModelCompressor::dense_bytes() const { return impl_->dense_bytes; }

std::optional<std::int64_t> ModelCompressor::target_bytes(const CompressTarget& target) const {
    if (target.by != CompressTarget::By::ratio && target.by != CompressTarget::By::bytes) return std::nullopt;
    return wanted_bytes(target, impl_->dense_bytes);
}

CompressResult ModelCompressor::pack(const CompressTarget& target, const Progress& progress,
                                     const FixedTensors& fixed) {
    Impl& s = *impl_;
    if (target.by == CompressTarget::By::density) require_rates(s.method);
    ModelFile packed = packed_model(s.device, s.model);
    // What a judgement will add to the file has its place in it from the start, at its longest.
    packed.metrics = {{"test_accuracy", 0.12345678901234567}};
    s.fix(fixed);
    if (const std::optional<std::int64_t> wanted = target_bytes(target)) {
        s.weigh_all(progress);
        pack_within(s.all, packed, target.by, *wanted, progress);
    } else {
        pack_each(s.all, packed, target);
    }
    for (const Candidate& each : s.all) {
        NamedTensor& tensor = packed.layers[each.layer].tensors[each.tensor];
        if (tensor.packed) tensor.tensor = unpack(s.device, *tensor.packed);
    }
    packed.metrics = Json::object();
    return result_of(std::move(packed), fixed);
}

CompressResult ModelCompressor::result_of(ModelFile packed, const FixedTensors& fixed) const {
    const Impl& s = *impl_;
    CompressResult result;
    result.dense_bytes = s.dense_bytes;
    double lost = 0, energy = 0;
    for (const Candidate& each : s.all) {
        const NamedTensor& tensor = packed.layers[each.layer].tensors[each.tensor];
        const std::int64_t bytes = tensor.tensor.shape.size() * static_cast<std::int64_t>(sizeof(float));
        TensorReport report{each.name, tensor.tensor.shape, "dense", bytes, bytes};
        energy += each.energy;
        if (const auto& stored = tensor.packed) {
            report.method = stored->method;
            report.stored_bytes = static_cast<std::int64_t>(stored->stored_bytes());
            report.relative_error = stored->relative_error;
            report.energy_retained = stored->energy_retained();
            report.kept = kept_share(*stored);
            report.ordered = {!stored->basis.order.rows.empty(), !stored->basis.order.columns.empty()};
            report.damage = each.damage(s.device, s.dense(each), *stored);
            report.fixed = fixed.contains(each.name);
            lost += each.energy * stored->relative_error * stored->relative_error;
        }
        result.tensors.push_back(std::move(report));
    }
    result.relative_error = energy > 0 ? std::sqrt(lost / energy) : 0;
    result.file_bytes = static_cast<std::int64_t>(model_file_size(packed));
    result.model = std::move(packed);
    return result;
}

}  // namespace spectral
