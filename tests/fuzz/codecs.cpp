// Codecs and the packed tensors made of them.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/compress/packed_tensor.hpp"
#include "engine/core/json.hpp"
#include "tests/fuzz/targets.hpp"

namespace spectral::fuzz {

namespace {

/// Little-endian, of zeros where the bytes end; they begin behind it then.
std::uint64_t take(Bytes& bytes, std::size_t width) {
    std::uint64_t value = 0;
    const std::size_t there = std::min(width, bytes.size());
    for (std::size_t i = 0; i < there; ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
    bytes = bytes.subspan(there);
    return value;
}

template <class Body>
bool accepted(const Body& body) {
    try {
        body();
        return true;
    } catch (const Error&) {
        return false;
    }
}

/// The header's text, and the bytes behind the zero that ends it.
std::pair<std::string_view, std::span<const std::byte>> parted(Bytes bytes) {
    const auto end = static_cast<std::size_t>(std::ranges::find(bytes, 0) - bytes.begin());
    return {{reinterpret_cast<const char*>(bytes.data()), end},
            std::as_bytes(bytes.subspan(std::min(end + 1, bytes.size())))};
}

}  // namespace

void promise(bool kept) {
    if (!kept) std::abort();
}

PackedTensor parse_packed(Bytes bytes) {
    const auto [header, coded] = parted(bytes);
    return parse_packing(parse_json(header, [](const std::string& why) { return Error("header", why); }),
                         coded);
}

bool index_codec(Bytes bytes) {
    const IndexCoding coding = kIndexCodings[take(bytes, 1) % std::size(kIndexCodings)];
    const auto count = static_cast<std::int64_t>(take(bytes, 1));
    const auto universe = static_cast<std::int64_t>(take(bytes, 2));
    return accepted([&] {
        const auto coded = std::as_bytes(bytes);
        const auto indices = decode_indices(coding, coded, count, universe);
        promise(std::ssize(indices) == count);
        for (std::size_t i = 0; i < indices.size(); ++i)
            promise(indices[i] < universe && (i == 0 || indices[i - 1] < indices[i]));
        promise(std::ranges::equal(encode_indices(coding, indices, universe), coded));
    });
}

bool value_codec(Bytes bytes) {
    const ValueCoding coding = kValueCodings[take(bytes, 1) % std::size(kValueCodings)];
    const auto count = static_cast<std::int64_t>(take(bytes, 2));
    const auto scale = std::bit_cast<double>(take(bytes, 8));
    return accepted([&] {
        const auto values = decode_values(coding, scale, std::as_bytes(bytes), count);
        promise(std::ssize(values) == count);
        promise(std::ranges::all_of(values, [](float value) { return std::isfinite(value); }));
        const CodedValues again = encode_values(coding, values);
        promise(std::ssize(again.bytes) == static_cast<std::ptrdiff_t>(coded_value_bytes(coding, count)));
        decode_values(coding, again.scale, again.bytes, count);
    });
}

bool packed_tensor(Bytes bytes) {
    constexpr std::int64_t kMostValues = 1 << 16;  // a fuzzer needs no more, and larger ones take its time
    return accepted([&] {
        const auto coded = parted(bytes).second;
        const PackedTensor tensor = parse_packed(bytes);
        promise(std::ranges::equal(packed_bytes(tensor), coded));
        const PackedTensor again = parse_packing(packing_json(tensor), coded);
        promise(again.lists == tensor.lists && again.shape == tensor.shape && again.rank == tensor.rank &&
                again.basis.order == tensor.basis.order);
        if (tensor.shape.size() > kMostValues) return;
        if (tensor.rank == 0) {
            unpack(tensor.lists.front(), Basis(tensor.shape, tensor.basis));
            return;
        }
        const std::int64_t rows = tensor.shape[0];
        unpack(tensor.lists[0], Basis(Shape{tensor.rank, rows}, {}));
        unpack(tensor.lists[1], Basis(Shape{tensor.rank, tensor.shape.size() / rows}, {}));
    });
}

}  // namespace spectral::fuzz
