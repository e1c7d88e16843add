#include "engine/compress/packed_tensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/core/transfer.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral {

namespace {

constexpr std::array<std::string_view, 3> kSupportNames{"all", "box", "listed"};
constexpr std::string_view kLowRank = "low-rank";
constexpr std::int64_t kMostValues = std::int64_t{1} << 56;
constexpr const char* kDamaged = "the file is damaged, or was written by another program";

[[noreturn]] void refuse(const std::string& why) { throw Error("packed tensor", why, kDamaged); }

Json list_json(const PackedList& list) {
    Json json{{"support", kSupportNames[static_cast<std::size_t>(list.support)]},
              {"count", list.count},
              {"values", value_coding_name(list.value_coding)},
              {"scale", list.scale},
              {"value_bytes", list.values.size()}};
    if (list.support == Support::box) json["box"] = list.box;
    if (list.support == Support::listed) {
        json["index"] = index_coding_name(list.index_coding);
        json["index_bytes"] = list.indices.size();
    }
    return json;
}

/// The field of a JSON object, of the type wanted.
template <class T>
T field(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end()) refuse(fmt::format("its header lacks '{}'", name));
    try {
        if constexpr (std::is_integral_v<T>) {
            if (!found->is_number_integer()) refuse(fmt::format("'{}' in its header is no integer", name));
            if (std::is_signed_v<T> && found->is_number_unsigned() &&
                found->template get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
                refuse(fmt::format("'{}' in its header is too large", name));
        }
        return found->template get<T>();
    } catch (const Json::exception&) {
        refuse(fmt::format("'{}' in its header is of another type", name));
    }
}

std::vector<std::int64_t> extents_in(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_array() || found->size() > static_cast<std::size_t>(kMaxRank))
        refuse(fmt::format("'{}' in its header is no list of at most {} integers", name, kMaxRank));
    std::vector<std::int64_t> values;
    for (const Json& each : *found) {
        if (!each.is_number_integer() || each < 0 || each > (std::int64_t{1} << 62))
            refuse(fmt::format("'{}' in its header is no list of counts", name));
        values.push_back(each.get<std::int64_t>());
    }
    return values;
}

/// The value whose name, among `all`, the field holds.
template <class All, class NameOf>
auto named(const Json& json, const char* field_name, const All& all, const NameOf& name_of) {
    const auto text = field<std::string>(json, field_name);
    const auto found = std::ranges::find_if(all, [&](auto each) { return name_of(each) == text; });
    if (found == std::end(all)) refuse(fmt::format("'{}' in its header is unknown: '{}'", field_name, text));
    return *found;
}

std::vector<std::byte> take(std::span<const std::byte>& bytes, std::int64_t count) {
    if (count < 0 || static_cast<std::uint64_t>(count) > bytes.size())
        refuse(fmt::format("{} coded bytes are promised where {} are left", count, bytes.size()));
    const auto part = bytes.first(static_cast<std::size_t>(count));
    bytes = bytes.subspan(part.size());
    return {part.begin(), part.end()};
}

/// Of a tensor of this shape, where its header says that it has one.
MatrixOrder parse_order(const Json& header, const Shape& shape, std::span<const std::byte>& bytes) {
    MatrixOrder order;
    const auto found = header.find("ordered");
    if (found == header.end()) return order;
    const Json rows = Json::array({0, permutation_width(shape[0])}),
               columns = Json::array({1, permutation_width(shape.size() / shape[0])});
    const bool both = *found == Json::array({rows, columns});
    const auto take_order = [&](const Json& side, std::int64_t count) {
        if (!both && *found != Json::array({side})) return std::vector<std::uint32_t>{};
        return decode_permutation(take(bytes, count * permutation_width(count)), count);
    };
    order.rows = take_order(rows, shape[0]);
    order.columns = take_order(columns, shape.size() / shape[0]);
    if (order.empty()) refuse("'ordered' in its header is not of rows, of columns or of both");
    return order;
}

PackedList parse_list(const Json& json, std::span<const std::byte>& bytes) {
    if (!json.is_object()) refuse("a list in its header is no object");
    PackedList list;
    list.support = named(json, "support", std::array{Support::all, Support::box, Support::listed},
                         [](Support each) { return kSupportNames[static_cast<std::size_t>(each)]; });
    list.count = field<std::int64_t>(json, "count");
    list.value_coding = named(json, "values", kValueCodings, value_coding_name);
    list.scale = field<double>(json, "scale");
    if (list.support == Support::box) list.box = extents_in(json, "box");
    if (list.support == Support::listed) {
        list.index_coding = named(json, "index", kIndexCodings, index_coding_name);
        list.indices = take(bytes, field<std::int64_t>(json, "index_bytes"));
    }
    list.values = take(bytes, field<std::int64_t>(json, "value_bytes"));
    return list;
}

/// Both members of a stored pair may have been rounded, each in its way: their mean is what a real array's
/// inverse transform takes of them.
void make_hermitian(const Basis& basis, std::vector<float>& coefficients) {
    const std::vector<std::uint8_t>& weights = basis.line_weights();
    const auto average = [&](std::int64_t i) {
        const std::optional<std::int64_t> mirror = basis.mirror(i);
        if (!mirror || *mirror < i) return;
        float* a = coefficients.data() + 2 * i;
        float* b = coefficients.data() + 2 * *mirror;
        const float re = 0.5F * (a[0] + b[0]), im = 0.5F * (a[1] - b[1]);
        a[0] = b[0] = re;
        b[1] = -im;
        a[1] = im;  // of one that is its own mirror: zero
    };
    for (std::size_t place = 0; place < weights.size(); ++place) {
        if (weights[place] != 1) continue;  // its mirror is implied
        for (auto i = static_cast<std::int64_t>(place); i < basis.size(); i += std::ssize(weights))
            average(i);
    }
}

}  // namespace

std::size_t PackedTensor::stored_bytes() const {
    std::size_t bytes = packing_json(*this).dump().size() + basis.order.bytes();
    for (const PackedList& list : lists) bytes += list.bytes();
    return bytes;
}

Json packing_json(const PackedTensor& tensor) {
    Json json{{"method", tensor.method}, {"shape", tensor.shape.extents()}};
    // Seven digits: it is a figure for people, and every byte of the header counts.
    const std::string digits = fmt::format("{:.7g}", tensor.relative_error);
    double rounded = 0;  // as it is where that is too small for from_chars
    if (std::from_chars(digits.data(), digits.data() + digits.size(), rounded).ec != std::errc())
        rounded = tensor.relative_error;
    json["error_rel_fro"] = rounded;
    if (tensor.rank > 0) {
        json["basis"] = kLowRank;
        json["rank"] = tensor.rank;
    } else {
        const Basis basis(tensor.shape, tensor.basis);
        const BasisChoice& choice = basis.choice();
        json["basis"] = basis_name(choice.kind);
        if (choice.kind == BasisKind::fft || choice.kind == BasisKind::dct) {
            if (!(choice.view == tensor.shape)) json["view"] = choice.view.extents();
            json["axes"] = choice.axes;
            for (const auto& [side, order] : {std::pair{0, &choice.order.rows}, {1, &choice.order.columns}})
                if (!order->empty())
                    json["ordered"].push_back(Json::array({side, permutation_width(std::ssize(*order))}));
        } else if (choice.kind == BasisKind::random) {
            json["seed"] = choice.seed;
        }
    }
    json["lists"] = Json::array();
    for (const PackedList& list : tensor.lists) json["lists"].push_back(list_json(list));
    return json;
}

std::vector<std::byte> packed_bytes(const PackedTensor& tensor) {
    std::vector<std::byte> bytes;
    for (const PackedList& list : tensor.lists) {
        bytes.insert(bytes.end(), list.indices.begin(), list.indices.end());
        bytes.insert(bytes.end(), list.values.begin(), list.values.end());
    }
    for (const auto* order : {&tensor.basis.order.rows, &tensor.basis.order.columns}) {
        const std::vector<std::byte> coded = encode_permutation(*order);
        bytes.insert(bytes.end(), coded.begin(), coded.end());
    }
    return bytes;
}

double require_error(double error) {
    if (!std::isfinite(error) || error < 0) refuse(fmt::format("its relative error is {}", error));
    return error;
}

PackedTensor parse_packing(const Json& header, std::span<const std::byte> bytes) {
    if (!header.is_object()) refuse("its header is no JSON object");
    PackedTensor tensor;
    tensor.method = field<std::string>(header, "method");
    tensor.shape = Shape(std::span<const std::int64_t>(extents_in(header, "shape")));
    tensor.relative_error = require_error(field<double>(header, "error_rel_fro"));
    if (field<std::string>(header, "basis") == kLowRank) {
        tensor.rank = field<std::int64_t>(header, "rank");
        if (tensor.shape.rank() < 1 || tensor.shape.size() == 0) refuse("it is empty");
        if (tensor.shape.size() > kMostValues) refuse("it has more values than any machine holds");
        const std::int64_t rows = tensor.shape[0];
        if (tensor.rank < 1 || tensor.rank > std::min(rows, tensor.shape.size() / rows))
            refuse(fmt::format("a matrix of its shape has no rank of {}", tensor.rank));
    } else {
        BasisChoice& choice = tensor.basis;
        constexpr std::array kKinds{BasisKind::identity, BasisKind::fft, BasisKind::dct};
        choice.kind = named(header, "basis", kKinds, basis_name);
        if (choice.kind == BasisKind::fft || choice.kind == BasisKind::dct) {
            choice.view = header.contains("view")
                              ? Shape(std::span<const std::int64_t>(extents_in(header, "view")))
                              : tensor.shape;
            for (const std::int64_t axis : extents_in(header, "axes"))
                choice.axes.push_back(static_cast<int>(std::min<std::int64_t>(axis, kMaxRank)));
            if (choice.axes.empty()) refuse("it names no axes");
        }
        static_cast<void>(Basis(tensor.shape, choice));  // refuses what does not fit
    }
    const auto lists = header.find("lists");
    if (lists == header.end() || !lists->is_array() || lists->size() != (tensor.rank > 0 ? 2U : 1U))
        refuse("its header has another number of lists");
    for (const Json& each : *lists) tensor.lists.push_back(parse_list(each, bytes));
    const bool transforms = tensor.basis.kind == BasisKind::fft || tensor.basis.kind == BasisKind::dct;
    if (transforms) tensor.basis.order = parse_order(header, tensor.shape, bytes);
    if (!bytes.empty()) refuse(fmt::format("{} coded bytes are left over", bytes.size()));
    return tensor;
}

std::vector<std::uint32_t> box_indices(const Basis& basis, const std::vector<std::int64_t>& box) {
    const Shape shape = basis.transform_shape();
    if (box.size() != static_cast<std::size_t>(shape.rank())) refuse("its box is of another rank");
    if (basis.parts() != 2) refuse("a box of frequencies is of the Fourier transform only");
    std::vector<std::uint32_t> indices;
    const std::int64_t bins = shape[shape.rank() - 1], kept = std::min(bins, box.back() + 1);
    for (std::int64_t first = 0; first < basis.size(); first += bins) {
        std::int64_t rest = first % shape.size() / bins;
        bool inside = true;
        for (int axis = shape.rank() - 2; axis >= 0 && inside; --axis) {
            // Frequencies above the middle are negative ones, but of the last axis, which is half there.
            const std::int64_t n = shape[axis], k = rest % n;
            inside = std::min(k, n - k) <= box[static_cast<std::size_t>(axis)];
            rest /= n;
        }
        for (std::int64_t i = first; inside && i < first + kept; ++i)
            indices.push_back(static_cast<std::uint32_t>(i));
    }
    return indices;
}

std::int64_t box_freedom(const Basis& basis, const std::vector<std::int64_t>& box) {
    std::int64_t count = basis.transforms();
    for (std::size_t axis = 0; axis < box.size(); ++axis)
        count *= std::min(basis.signal().extent[axis], 2 * box[axis] + 1);
    return count;
}

double kept_share(const PackedTensor& tensor) {
    const auto size = static_cast<double>(tensor.shape.size());
    double kept = 0;
    for (const PackedList& list : tensor.lists) {
        if (tensor.rank > 0) {
            kept += static_cast<double>(list.count);
            continue;
        }
        if (list.support == Support::all) return 1;
        const Basis basis(tensor.shape, tensor.basis);
        for (const std::uint32_t i : kept_indices(list, basis)) kept += basis.freedom(i);
    }
    return size > 0 ? kept / size : 0;
}

namespace {

void require_possible(const PackedList& list, const Basis& basis) {
    if (list.count < 0 || list.count > basis.size())
        refuse(fmt::format("it has {} coefficients of {}", list.count, basis.size()));
}

/// How many box_indices() gives, before they are made.
std::int64_t box_count(const Basis& basis, const std::vector<std::int64_t>& box) {
    const Shape shape = basis.transform_shape();
    std::int64_t count = basis.transforms();
    for (int axis = 0; axis < shape.rank() && axis < static_cast<int>(box.size()); ++axis) {
        const std::int64_t n = shape[axis],
                           most = std::max<std::int64_t>(-1, box[static_cast<std::size_t>(axis)]);
        const bool folded = axis + 1 < shape.rank();
        count *= folded ? std::min(n, 2 * std::min(most, n) + 1) : std::min(n, most + 1);
    }
    return std::max<std::int64_t>(0, count);
}

}  // namespace

std::vector<std::uint32_t> kept_indices(const PackedList& list, const Basis& basis) {
    require_possible(list, basis);
    std::vector<std::uint32_t> indices;
    switch (list.support) {
        case Support::all:
            if (list.count != basis.size())
                refuse(fmt::format("it has {} coefficients instead of {}", list.count, basis.size()));
            indices.resize(static_cast<std::size_t>(basis.size()));
            std::iota(indices.begin(), indices.end(), 0U);
            break;
        case Support::box:
            if (const std::int64_t count = box_count(basis, list.box); count != list.count)
                refuse(fmt::format("it has {} coefficients instead of {}", list.count, count));
            indices = box_indices(basis, list.box);
            break;
        case Support::listed:
            indices = decode_indices(list.index_coding, list.indices, list.count, basis.size());
            break;
    }
    if (std::ssize(indices) != list.count)
        refuse(fmt::format("it has {} coefficients instead of {}", list.count, indices.size()));
    return indices;
}

std::vector<float> kept_numbers(const PackedList& list, const Basis& basis) {
    require_possible(list, basis);
    return decode_values(list.value_coding, list.scale, list.values, list.count * basis.parts());
}

std::vector<float> unpack(const PackedList& list, const Basis& basis) {
    // Numbers first: their bytes show whether the count is true, before anything of its size is made.
    const std::vector<float> numbers = kept_numbers(list, basis);
    return in_places(basis, kept_indices(list, basis), numbers);
}

std::vector<float> in_places(const Basis& basis, const std::vector<std::uint32_t>& indices,
                             const std::vector<float>& numbers) {
    std::vector<float> coefficients(static_cast<std::size_t>(basis.size() * basis.parts()));
    if (basis.parts() == 1) {
        for (std::size_t j = 0; j < indices.size(); ++j) coefficients[indices[j]] = numbers[j];
        return coefficients;
    }
    for (std::size_t j = 0; j < indices.size(); ++j) {
        const std::size_t to = 2 * std::size_t{indices[j]};
        coefficients[to] = numbers[2 * j];
        coefficients[to + 1] = numbers[2 * j + 1];
    }
    make_hermitian(basis, coefficients);
    return coefficients;
}

Basis factor_basis(const PackedTensor& tensor, std::size_t factor) {
    const std::int64_t rows = tensor.shape[0], columns = tensor.shape.size() / rows;
    const std::int64_t length = factor == 0 ? rows : columns;
    if (length > std::numeric_limits<std::int64_t>::max() / tensor.rank) refuse("its rank is too large");
    return Basis(Shape{tensor.rank, length}, {});
}

HostTensor multiply_factors(Device device, const PackedTensor& tensor, const std::vector<float>& left,
                            const std::vector<float>& right) {
    constexpr std::string_view kHolder = "product of factors";
    const std::int64_t rows = tensor.shape[0], columns = tensor.shape.size() / rows;
    const Buffer a = upload(device, left, MemoryTag::workspace, kHolder);
    const Buffer b = upload(device, right, MemoryTag::workspace, kHolder);
    const Tensor product(device, MemoryTag::workspace, tensor.shape, kHolder);
    device.backend.run(MatMul{rows, columns, tensor.rank, true, false, a.as<float>(), rows, b.as<float>(),
                              columns, 0, product.data(), columns});
    return product.to_host(device.backend);
}

HostTensor unpack(Device device, const PackedTensor& tensor) {
    // A few bytes may stand for more than the machine has: coefficients, their transforms and what those
    // need.
    constexpr std::int64_t kBytesAValue = 64;
    const auto available = static_cast<std::int64_t>(std::min<std::size_t>(available_memory(), INT64_MAX));
    if (tensor.shape.size() > available / kBytesAValue)
        throw OutOfMemory("unpacked tensor",
                          fmt::format("{} values do not fit in the memory that is free", tensor.shape.text()),
                          "run the model without unpacking it");
    if (tensor.rank > 0) {
        const auto factor = [&](std::size_t i) { return unpack(tensor.lists[i], factor_basis(tensor, i)); };
        return multiply_factors(device, tensor, factor(0), factor(1));
    }
    const Basis basis(tensor.shape, tensor.basis);
    return basis.inverse(device, unpack(tensor.lists.front(), basis));
}

}  // namespace spectral
