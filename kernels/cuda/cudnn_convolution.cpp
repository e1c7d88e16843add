// cuDNN's convolutions. It knows strides, dilations and groups that the program does not use, and two things
// that it does: the same number of zeros on both sides of an axis, and weights that are not transposed.
#include <algorithm>
#include <array>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "kernels/cuda/cudnn.hpp"
#include "kernels/cuda/library_convolution.hpp"
#include "kernels/cuda/recording.hpp"
#include "kernels/cuda/work_area.hpp"
#include "kernels/recent_plans.hpp"

namespace spectral::cuda {

namespace {

constexpr std::size_t kMaxPlans = 64, kMaxWorkBytes = std::size_t{1} << 30;
constexpr int kMaxDims = kMaxConvolutionRank + 2;

void check(const Cudnn& library, cudnnStatus_t code, const char* what) {
    if (code == CUDNN_STATUS_SUCCESS) return;
    if (code == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) throw out_of_memory(what);
    throw Error(std::string("cuDNN ") + what, library.get_error_string(code));
}

bool is_unsupported(cudnnStatus_t code) {
    constexpr int kCategory = 1000;
    return code / kCategory == CUDNN_STATUS_NOT_SUPPORTED / kCategory;
}

/// An object of the library's, destroyed with its owner.
template <class Handle>
class Object {
public:
    Object(const Cudnn& library, cudnnStatus_t (*create)(Handle*), cudnnStatus_t (*destroy)(Handle))
        : destroy_(destroy) {
        check(library, create(&handle_), "start");
    }
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    ~Object() { static_cast<void>(destroy_(handle_)); }
    Handle get() const { return handle_; }

private:
    cudnnStatus_t (*destroy_)(Handle);
    Handle handle_ = nullptr;
};

/// Which of the library's three sums an operation is. With its channels exchanged, a convolution is what the
/// library takes for the gradient by the input.
enum class Sum { forward, by_input, by_weights };

struct Key {
    Sum sum = Sum::forward;
    ConvolutionShape shape;
    bool bias = false;
    bool operator==(const Key&) const = default;
};

/// Extents as the library takes them: two channel axes, then at least two of space.
struct Dims {
    Dims(std::int64_t first, std::int64_t second, int rank, const ConvolutionShape::Extents& extents,
         std::int64_t missing = 1) {
        value[0] = static_cast<int>(first);
        value[1] = static_cast<int>(second);
        for (int axis = rank; axis < 2; ++axis)
            value[static_cast<std::size_t>(count++)] = static_cast<int>(missing);
        for (int axis = 0; axis < rank; ++axis)
            value[static_cast<std::size_t>(count++)] =
                static_cast<int>(extents[static_cast<std::size_t>(axis)]);
    }

    std::array<int, kMaxDims> value{};
    int count = 2;
};

/// Zeros on both sides of every axis in the library's forward sum; nothing where they differ or are negative.
std::optional<ConvolutionShape::Extents> zeros(const Key& key) {
    ConvolutionShape::Extents pad{};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(key.shape.rank); ++axis) {
        const std::int64_t kernel = key.shape.kernel[axis], before = key.shape.before[axis];
        const bool exchanged = key.sum == Sum::by_input;
        const std::int64_t longer = exchanged ? key.shape.output[axis] : key.shape.input[axis],
                           shorter = exchanged ? key.shape.input[axis] : key.shape.output[axis];
        pad[axis] = exchanged ? kernel - 1 - before : before;
        if (pad[axis] < 0 || shorter != longer + 2 * pad[axis] - kernel + 1) return std::nullopt;
    }
    return pad;
}

/// The library counts in 32 bits.
bool is_small_enough(const ConvolutionShape& s) {
    constexpr std::int64_t kMost = std::numeric_limits<int>::max();
    return s.images * s.in_channels * s.input_size() <= kMost &&
           s.images * s.out_channels * s.output_size() <= kMost &&
           s.in_channels * s.out_channels * s.kernel_size() <= kMost;
}

struct Algorithm {
    int number = 0;
    std::size_t work_bytes = 0;
};

/// The fastest by the library's own estimate that gives the same digits every time, multiplies float32 as it
/// is, and takes no more than a bounded work area. `ask(count, found, performances)` asks for them.
template <class Performance, class Ask>
std::optional<Algorithm> choose(const Cudnn& library, const Ask& ask) {
    std::array<Performance, 16> performances{};
    int found = 0;
    const cudnnStatus_t code = ask(static_cast<int>(performances.size()), &found, performances.data());
    if (is_unsupported(code)) return std::nullopt;
    check(library, code, "choice of an algorithm");
    for (int i = 0; i < found; ++i) {
        const Performance& each = performances[static_cast<std::size_t>(i)];
        if (each.status == CUDNN_STATUS_SUCCESS && each.determinism == CUDNN_DETERMINISTIC &&
            each.mathType != CUDNN_TENSOR_OP_MATH && each.mathType != CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION &&
            each.memory <= kMaxWorkBytes)
            return Algorithm{static_cast<int>(each.algo), each.memory};
    }
    return std::nullopt;
}

/// `long_side` and `short_side`: what the library takes for input and output of its forward sum.
struct Plan {
    Plan(const Cudnn& library, cudnnHandle_t handle, const Key& key, const ConvolutionShape::Extents& pad)
        : long_side(library, library.create_tensor, library.destroy_tensor),
          short_side(library, library.create_tensor, library.destroy_tensor),
          bias(library, library.create_tensor, library.destroy_tensor),
          weights(library, library.create_filter, library.destroy_filter),
          convolution(library, library.create_convolution, library.destroy_convolution) {
        const ConvolutionShape& s = key.shape;
        const bool exchanged = key.sum == Sum::by_input;
        const Dims x(s.images, s.in_channels, s.rank, s.input), y(s.images, s.out_channels, s.rank, s.output),
            offsets(1, s.out_channels, std::max(s.rank, 2), {1, 1, 1}),
            w(exchanged ? s.in_channels : s.out_channels, exchanged ? s.out_channels : s.in_channels, s.rank,
              s.kernel);
        set_tensor(library, long_side.get(), exchanged ? y : x);
        set_tensor(library, short_side.get(), exchanged ? x : y);
        set_tensor(library, bias.get(), offsets);
        check(library,
              library.set_filter(weights.get(), CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, w.count, w.value.data()),
              "weights");
        const Dims padding(0, 0, s.rank, pad, 0);
        const std::array<int, kMaxConvolutionRank> ones{1, 1, 1};
        // A convolution that the library calls one reads the weights from their end.
        const bool from_the_end = exchanged ? !s.flipped : s.flipped;
        check(library,
              library.set_convolution(
                  convolution.get(), padding.count - 2, padding.value.data() + 2, ones.data(), ones.data(),
                  from_the_end ? CUDNN_CONVOLUTION : CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
              "shape");
        check(library, library.set_math_type(convolution.get(), CUDNN_FMA_MATH), "shape");
        algorithm = chosen(library, handle, key.sum);
    }

    std::optional<Algorithm> chosen(const Cudnn& library, cudnnHandle_t handle, Sum sum) const {
        switch (sum) {
            case Sum::forward:
                return choose<cudnnConvolutionFwdAlgoPerf_t>(library, [&](int most, int* found, auto* into) {
                    return library.forward_algorithms(handle, long_side.get(), weights.get(),
                                                      convolution.get(), short_side.get(), most, found, into);
                });
            case Sum::by_input:
                return choose<cudnnConvolutionBwdDataAlgoPerf_t>(
                    library, [&](int most, int* found, auto* into) {
                        return library.backward_data_algorithms(handle, weights.get(), short_side.get(),
                                                                convolution.get(), long_side.get(), most,
                                                                found, into);
                    });
            case Sum::by_weights:
                return choose<cudnnConvolutionBwdFilterAlgoPerf_t>(
                    library, [&](int most, int* found, auto* into) {
                        return library.backward_filter_algorithms(handle, long_side.get(), short_side.get(),
                                                                  convolution.get(), weights.get(), most,
                                                                  found, into);
                    });
        }
        return std::nullopt;
    }

    Object<cudnnTensorDescriptor_t> long_side, short_side, bias;
    Object<cudnnFilterDescriptor_t> weights;
    Object<cudnnConvolutionDescriptor_t> convolution;
    std::optional<Algorithm> algorithm;  ///< none: the library has none that will do

private:
    static void set_tensor(const Cudnn& library, cudnnTensorDescriptor_t tensor, const Dims& dims) {
        std::array<int, kMaxDims> strides{};
        int stride = 1;
        for (int axis = dims.count; axis-- > 0;) {
            strides[static_cast<std::size_t>(axis)] = stride;
            stride *= dims.value[static_cast<std::size_t>(axis)];
        }
        check(library,
              library.set_tensor(tensor, CUDNN_DATA_FLOAT, dims.count, dims.value.data(), strides.data()),
              "values");
    }
};

class CudnnConvolution final : public LibraryConvolution {
public:
    CudnnConvolution(const Cudnn& library, cudaMemPool_t pool, cudaStream_t stream)
        : library_(library), stream_(stream), work_(pool, stream) {}

    bool run(const Convolve& op) override {
        const Sum sum = op.shape.swapped ? Sum::by_input : Sum::forward;
        const Ready ready = find({sum, op.shape, op.bias != nullptr});
        if (!ready.plan) return false;
        const Plan& plan = *ready.plan;
        const cudnnTensorDescriptor_t y = (sum == Sum::forward ? plan.short_side : plan.long_side).get();
        const float one = 1, zero = 0;
        const cudnnStatus_t code =
            sum == Sum::forward
                ? library_.forward(handle_->get(), &one, plan.long_side.get(), op.x, plan.weights.get(), op.w,
                                   plan.convolution.get(),
                                   static_cast<cudnnConvolutionFwdAlgo_t>(plan.algorithm->number),
                                   work_.get(), plan.algorithm->work_bytes, &zero, y, op.y)
                : library_.backward_data(handle_->get(), &one, plan.weights.get(), op.w,
                                         plan.short_side.get(), op.x, plan.convolution.get(),
                                         static_cast<cudnnConvolutionBwdDataAlgo_t>(plan.algorithm->number),
                                         work_.get(), plan.algorithm->work_bytes, &zero, y, op.y);
        if (is_unsupported(code)) return false;
        check(library_, code, "convolution");
        if (op.bias != nullptr)
            check(library_,
                  library_.add_tensor(handle_->get(), &one, plan.bias.get(), op.bias, &one, y, op.y), "bias");
        return true;
    }

    bool run(const ConvolveWeightGradient& op) override {
        if (op.shape.swapped) return false;
        const Ready ready = find({Sum::by_weights, op.shape});
        if (!ready.plan) return false;
        const Plan& plan = *ready.plan;
        const float one = 1, zero = 0;
        const cudnnStatus_t code = library_.backward_filter(
            handle_->get(), &one, plan.long_side.get(), op.x, plan.short_side.get(), op.dy,
            plan.convolution.get(), static_cast<cudnnConvolutionBwdFilterAlgo_t>(plan.algorithm->number),
            work_.get(), plan.algorithm->work_bytes, &zero, plan.weights.get(), op.dw);
        if (is_unsupported(code)) return false;
        check(library_, code, "weight gradient");
        return true;
    }

    std::vector<PlanInfo> list() const override {
        std::vector<PlanInfo> result;
        if (!trouble_.empty()) result.push_back({"cuDNN is not used: " + trouble_, std::nullopt, 0});
        if (work_.bytes() > 0) result.push_back({"work area of all convolutions", work_.bytes(), 0});
        for (const auto& [key, plan, uses] : plans_)
            if (plan->algorithm)
                result.push_back(
                    {convolution_text(key.shape) + (key.sum == Sum::by_weights ? ", weight gradient" : ""),
                     std::nullopt, uses});
        return result;
    }

    void clear() override {
        const auto lock = keep_from_recording();
        plans_.clear();
        work_.clear();
    }

private:
    using Handle = Object<cudnnHandle_t>;

    /// No plan: the library has no such sums, or is not used. A plan's first run may load code, so that a new
    /// one comes with the lock that keeps others from recording.
    struct Ready {
        std::shared_ptr<const Plan> plan;
        std::unique_lock<std::shared_mutex> lock;
    };

    Ready find(const Key& key) {
        const ConvolutionShape& s = key.shape;
        if (!trouble_.empty() || !is_small_enough(s) ||
            s.images * s.in_channels * s.out_channels * s.input_size() * s.kernel_size() * s.output_size() ==
                0)
            return {};
        const auto pad = zeros(key);
        if (!pad) return {};
        Ready ready{plans_.find(key), {}};
        if (!ready.plan) ready = make(key, *pad);
        if (ready.plan && !ready.plan->algorithm) ready.plan.reset();
        return ready;
    }

    /// An installation that does not work is as good as none, and the list of plans says so. Nor is a
    /// shortage of memory a reason to fail: the kernels that stand in need no work area.
    Ready make(const Key& key, const ConvolutionShape::Extents& pad) {
        refuse_while_recording(stream_, "convolution plan");
        Ready ready{nullptr, keep_from_recording()};
        try {
            if (!handle_) start();
            auto plan = std::make_shared<Plan>(library_, handle_->get(), key, pad);
            if (plan->algorithm) take_room(*plan);
            plans_.keep(key, plan);
            ready.plan = std::move(plan);
        } catch (const OutOfMemory&) {
            return {};
        } catch (const Error& error) {
            trouble_ = error.what();
            return {};
        }
        return ready;
    }

    void start() {
        auto handle = std::make_unique<Handle>(library_, library_.create, library_.destroy);
        check(library_, library_.set_stream(handle->get(), stream_), "start");
        handle_ = std::move(handle);
    }

    void take_room(Plan& plan) {
        try {
            work_.grow(plan.algorithm->work_bytes);
        } catch (const OutOfMemory&) {
            plan.algorithm.reset();
        }
    }

    const Cudnn& library_;
    cudaStream_t stream_;
    std::unique_ptr<Handle> handle_;  ///< made at the first convolution: it takes memory and a second
    std::string trouble_;
    WorkArea work_;
    RecentPlans<Key, Plan, kMaxPlans> plans_;
};

}  // namespace

std::unique_ptr<LibraryConvolution> LibraryConvolution::open(cudaMemPool_t pool, cudaStream_t stream) {
    const Cudnn* library = find_cudnn();
    return library ? std::make_unique<CudnnConvolution>(*library, pool, stream) : nullptr;
}

}  // namespace spectral::cuda
