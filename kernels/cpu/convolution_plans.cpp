#include "kernels/cpu/convolution_plans.hpp"

#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "kernels/error.hpp"

namespace spectral {

namespace {

using Dims = dnnl::memory::dims;
constexpr std::size_t kAlignment = 64;

const dnnl::engine& library() {
    static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

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

dnnl::memory::desc any_order(const dnnl::memory::desc& stored) {
    return {stored.dims(), stored.data_type(), dnnl::memory::format_tag::any};
}

/// Zeros behind the last sample that the shape implies; negative where samples are left out.
Dims zeros_behind(const ConvolutionShape& s) {
    Dims behind;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(s.rank); ++axis)
        behind.push_back(s.output[axis] - 1 + s.kernel[axis] - s.input[axis] - s.before[axis]);
    return behind;
}

/// Every kernel read from its end.
void reverse_kernels(const ConvolutionShape& s, const float* from, float* to) {
    const std::int64_t size = s.kernel_size(), kernels = s.in_channels * s.out_channels;
    for (std::int64_t k = 0; k < kernels; ++k)
        std::reverse_copy(from + k * size, from + (k + 1) * size, to + k * size);
}

}  // namespace

/// One primitive, and where in the work area lies what it does not take or give as it is stored.
class ConvolutionPlan {
public:
    ConvolutionPlan(ConvolutionTask task, const ConvolutionShape& shape, bool bias)
        : task_(task), shape_(shape), bias_(bias) {
        const Dims ones(static_cast<std::size_t>(shape.rank), 1),
            before(shape.before.begin(), shape.before.begin() + shape.rank), behind = zeros_behind(shape);
        x_.stored = plain(dims_of(shape.images, shape.in_channels, shape.rank, shape.input));
        w_.stored =
            plain(dims_of(shape.out_channels, shape.in_channels, shape.rank, shape.kernel), shape.swapped);
        y_.stored = plain(dims_of(shape.images, shape.out_channels, shape.rank, shape.output));
        bias_order_ = bias ? dnnl::memory::desc({shape.out_channels}, dnnl::memory::data_type::f32,
                                                dnnl::memory::format_tag::x)
                           : dnnl::memory::desc();
        const dnnl::memory::desc x = any_order(x_.stored), w = any_order(w_.stored), y = any_order(y_.stored);
        dnnl::primitive_attr attributes;
        attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        const auto forward = [&](dnnl::algorithm algorithm, bool may_lack) {
            return dnnl::convolution_forward::primitive_desc(
                {dnnl::prop_kind::forward_training, algorithm, x, w, bias_order_, y, ones, before, behind},
                attributes, library(), may_lack);
        };
        const auto take = [&](const auto& description, const dnnl::memory::desc& x_order,
                              const dnnl::memory::desc& w_order, const dnnl::memory::desc& y_order) {
            x_.order = x_order;
            w_.order = w_order;
            y_.order = y_order;
            scratch_ = description.scratchpad_desc();
        };
        dnnl::convolution_forward::primitive_desc description;
        if (task == ConvolutionTask::winograd)
            description = forward(dnnl::algorithm::convolution_winograd, true);
        if (!description) description = forward(dnnl::algorithm::convolution_direct, false);
        if (task == ConvolutionTask::weight_gradient) {
            const dnnl::convolution_backward_weights::primitive_desc gradient(
                {dnnl::algorithm::convolution_direct, x, w, bias_order_, y, ones, before, behind}, attributes,
                library(), description);
            take(gradient, gradient.src_desc(), gradient.diff_weights_desc(), gradient.diff_dst_desc());
            primitive_ = dnnl::convolution_backward_weights(gradient);
        } else {
            take(description, description.src_desc(), description.weights_desc(), description.dst_desc());
            primitive_ = dnnl::convolution_forward(description);
        }
        for (Place* place : {&x_, &w_, &y_}) {
            if (place->order == place->stored) continue;
            place->offset = claim(place->order.get_size());
            const bool written = (place == &w_) == (task == ConvolutionTask::weight_gradient) && place != &x_;
            const dnnl::memory::desc &from = written ? place->order : place->stored,
                                     &to = written ? place->stored : place->order;
            place->reorder = dnnl::reorder(dnnl::reorder::primitive_desc(library(), from, library(), to));
        }
        scratch_offset_ = claim(scratch_.get_size());
        if (shape.flipped) reversed_offset_ = claim(w_.stored.get_size());
    }

    std::size_t work_bytes() const { return work_bytes_; }

    void run(const ConvolutionArrays& arrays, std::byte* work) const {
        dnnl::stream stream(library());
        auto* reversed = reinterpret_cast<float*>(work + reversed_offset_);
        const bool gradient = task_ == ConvolutionTask::weight_gradient;
        if (shape_.flipped && !gradient) reverse_kernels(shape_, arrays.w, reversed);
        dnnl::memory x(x_.stored, library(), const_cast<float*>(arrays.x)),
            w(w_.stored, library(), shape_.flipped ? reversed : arrays.w), y(y_.stored, library(), arrays.y);
        const auto ordered = [&](const Place& place, const dnnl::memory& stored, bool read) {
            if (!place.reorder) return stored;
            dnnl::memory memory(place.order, library(), work + place.offset);
            if (read) place.reorder.execute(stream, {{DNNL_ARG_FROM, stored}, {DNNL_ARG_TO, memory}});
            return memory;
        };
        const dnnl::memory x_ordered = ordered(x_, x, true), w_ordered = ordered(w_, w, !gradient),
                           y_ordered = ordered(y_, y, gradient);
        std::unordered_map<int, dnnl::memory> arguments{
            {DNNL_ARG_SRC, x_ordered},
            {gradient ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, w_ordered},
            {gradient ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST, y_ordered},
            {DNNL_ARG_SCRATCHPAD, dnnl::memory(scratch_, library(), work + scratch_offset_)}};
        if (bias_)
            arguments.emplace(gradient ? DNNL_ARG_DIFF_BIAS : DNNL_ARG_BIAS,
                              dnnl::memory(bias_order_, library(), arrays.bias));
        primitive_.execute(stream, arguments);
        const Place& result = gradient ? w_ : y_;
        if (result.reorder)
            result.reorder.execute(
                stream, {{DNNL_ARG_FROM, gradient ? w_ordered : y_ordered}, {DNNL_ARG_TO, gradient ? w : y}});
        stream.wait();
        if (shape_.flipped && gradient) reverse_kernels(shape_, reversed, arrays.w);
    }

private:
    struct Place {
        dnnl::memory::desc stored, order;
        dnnl::primitive reorder;  ///< none where both are the same
        std::size_t offset = 0;
    };

    std::size_t claim(std::size_t bytes) {
        const std::size_t offset = work_bytes_;
        work_bytes_ += aligned(bytes);
        return offset;
    }

    ConvolutionTask task_;
    ConvolutionShape shape_;
    bool bias_;
    Place x_, w_, y_;
    dnnl::memory::desc bias_order_, scratch_;
    dnnl::primitive primitive_;
    std::size_t scratch_offset_ = 0, reversed_offset_ = 0, work_bytes_ = 0;
};

void ConvolutionPlans::Free::operator()(void* pointer) const { std::free(pointer); }

ConvolutionPlans::ConvolutionPlans(int threads) : threads_(threads) {}
ConvolutionPlans::~ConvolutionPlans() = default;

bool ConvolutionPlans::expressible(const ConvolutionShape& shape) {
    return shape.images * shape.in_channels * shape.out_channels * shape.output_size() > 0 &&
           std::ranges::min(zeros_behind(shape)) >= 0;
}

std::byte* ConvolutionPlans::work_area(std::size_t bytes) {
    if (bytes > work_bytes_) {
        work_area_.reset();  // first: both at once would be a peak that is not needed
        work_bytes_ = 0;
        work_area_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes)));
        if (!work_area_) throw std::bad_alloc();
        work_bytes_ = bytes;
    }
    return work_area_.get();
}

void ConvolutionPlans::run(ConvolutionTask task, const ConvolutionShape& shape,
                           const ConvolutionArrays& arrays) {
    omp_set_num_threads(threads_);
    try {
        const bool bias = arrays.bias != nullptr;
        const auto& plan = *plans_.get(
            {task, shape, bias}, [&] { return std::make_shared<const ConvolutionPlan>(task, shape, bias); });
        plan.run(arrays, work_area(plan.work_bytes()));
    } catch (const dnnl::error& error) {
        throw Error("convolution", std::string("oneDNN refused it (") + error.what() + ")");
    }
}

std::vector<PlanInfo> ConvolutionPlans::list() const {
    std::vector<PlanInfo> result;
    if (work_bytes_ > 0) result.push_back({"work area of all convolutions", work_bytes_, 0});
    for (const auto& [key, plan, uses] : plans_) {
        result.push_back({convolution_text(key.shape) +
                              (key.task == ConvolutionTask::weight_gradient ? ", weight gradient" : ""),
                          std::nullopt, uses});
    }
    return result;
}

void ConvolutionPlans::clear() {
    plans_.clear();
    work_area_.reset();
    work_bytes_ = 0;
}

}  // namespace spectral
