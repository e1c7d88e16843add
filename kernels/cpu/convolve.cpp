// Direct convolution through oneDNN, and as its sums stand.
#include <omp.h>

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/convolution.hpp"

namespace spectral::cpu {

namespace {

/// Extents of three axes, the missing ones in front.
ConvolutionShape::Extents three(int rank, const ConvolutionShape::Extents& extents, std::int64_t missing) {
    ConvolutionShape::Extents result;
    result.fill(missing);
    std::copy_n(extents.begin(), rank, result.end() - rank);
    return result;
}

void run_reference(Backend& /*backend*/, const Convolve& op) {
    const ConvolutionShape& s = op.shape;
    const auto in = three(s.rank, s.input, 1), kernel = three(s.rank, s.kernel, 1),
               out = three(s.rank, s.output, 1), before = three(s.rank, s.before, 0);
    const std::int64_t kernel_size = s.kernel_size();
    for (std::int64_t n = 0; n < s.images; ++n)
        for (std::int64_t o = 0; o < s.out_channels; ++o)
            for (std::int64_t i = 0; i < s.output_size(); ++i) {
                const std::int64_t z = i / (out[1] * out[2]), y = i / out[2] % out[1], x = i % out[2];
                double sum = 0;
                for (std::int64_t c = 0; c < s.in_channels; ++c)
                    for (std::int64_t p = 0; p < kernel_size; ++p) {
                        const std::int64_t from_z = z + p / (kernel[1] * kernel[2]) - before[0],
                                           from_y = y + p / kernel[2] % kernel[1] - before[1],
                                           from_x = x + p % kernel[2] - before[2];
                        if (from_z < 0 || from_z >= in[0] || from_y < 0 || from_y >= in[1] || from_x < 0 ||
                            from_x >= in[2])
                            continue;
                        const std::int64_t image = (n * s.in_channels + c) * s.input_size();
                        const float w = op.w[s.kernel_place(o, c) + (s.flipped ? kernel_size - 1 - p : p)];
                        sum += static_cast<double>(w) *
                               static_cast<double>(op.x[image + (from_z * in[1] + from_y) * in[2] + from_x]);
                    }
                op.y[(n * s.out_channels + o) * s.output_size() + i] = static_cast<float>(sum);
            }
}

using Dims = dnnl::memory::dims;

Dims dims_of(std::int64_t first, std::int64_t second, int rank, const ConvolutionShape::Extents& extents) {
    Dims dims{first, second};
    dims.insert(dims.end(), extents.begin(), extents.begin() + rank);
    return dims;
}

/// Row-major, with the first two axes in the order that they are stored.
dnnl::memory::desc plain(const Dims& dims, bool swapped = false) {
    Dims strides(dims.size());
    std::int64_t stride = 1;
    for (std::size_t axis = dims.size(); axis-- > 2;) {
        strides[axis] = stride;
        stride *= dims[axis];
    }
    strides[swapped ? 0 : 1] = stride;
    strides[swapped ? 1 : 0] = stride * dims[swapped ? 0 : 1];
    return {dims, dnnl::memory::data_type::f32, strides};
}

dnnl::memory::desc any_order(const Dims& dims) {
    return {dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}

/// Zeros behind the last sample that the shape implies; negative where samples are left out.
Dims zeros_behind(const ConvolutionShape& s) {
    Dims behind;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(s.rank); ++axis)
        behind.push_back(s.output[axis] - 1 + s.kernel[axis] - s.input[axis] - s.before[axis]);
    return behind;
}

void convolve_by_library(const Convolve& op, const Dims& behind) {
    const ConvolutionShape& s = op.shape;
    static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    const Dims x_dims = dims_of(s.images, s.in_channels, s.rank, s.input),
               w_dims = dims_of(s.out_channels, s.in_channels, s.rank, s.kernel),
               y_dims = dims_of(s.images, s.out_channels, s.rank, s.output);
    const Dims before(s.before.begin(), s.before.begin() + s.rank);
    // The library keeps what it compiled for a shape.
    const dnnl::convolution_forward::primitive_desc description(
        {dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, any_order(x_dims),
         any_order(w_dims), any_order(y_dims), Dims(static_cast<std::size_t>(s.rank), 1), before, behind},
        engine);
    dnnl::stream stream(engine);
    const auto input = [&](const dnnl::memory::desc& stored, const float* values,
                           const dnnl::memory::desc& wanted) {
        dnnl::memory memory(stored, engine, const_cast<float*>(values));
        if (stored == wanted) return memory;
        dnnl::memory ordered(wanted, engine);
        dnnl::reorder(memory, ordered).execute(stream, memory, ordered);
        return ordered;
    };
    const dnnl::memory x = input(plain(x_dims), op.x, description.src_desc()),
                       w = input(plain(w_dims, s.swapped), op.w, description.weights_desc());
    dnnl::memory y(plain(y_dims), engine, op.y);
    dnnl::memory result =
        y.get_desc() == description.dst_desc() ? y : dnnl::memory(description.dst_desc(), engine);
    dnnl::convolution_forward(description)
        .execute(stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, result}});
    if (result.get() != y.get()) dnnl::reorder(result, y).execute(stream, result, y);
    stream.wait();
}

void run_library(Backend& backend, const Convolve& op) {
    const ConvolutionShape& s = op.shape;
    if (s.images * s.out_channels * s.output_size() == 0) return;
    const Dims behind = zeros_behind(s);
    // What the library does not express: kernels read from their end, and samples left out at the end.
    const bool expressible = !s.flipped && s.in_channels > 0 && std::ranges::min(behind) >= 0;
    if (!expressible) {
        run_reference(backend, op);
        return;
    }
    omp_set_num_threads(backend.threads());
    try {
        convolve_by_library(op, behind);
    } catch (const dnnl::error& error) {
        throw Error("convolve", std::string("oneDNN refused the convolution (") + error.what() + ")");
    }
}

}  // namespace

void add_convolve(OpTable& table) {
    table.add<Convolve>(Level::reference, run_reference, "sums as they stand, in double precision");
    table.add<Convolve>(Level::tiled, run_library,
                        "oneDNN's blocked, threaded convolution; flipped kernels as at level 1");
}

}  // namespace spectral::cpu
