// cuDNN's convolutions by loops over one list of products: y[n,o,i] += w[o,c,p]·x[n,c,i + p − zeros].
#include "cudnn.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "control.hpp"

using cuda_on_cpu::counts;
using cuda_on_cpu::machine;
using cuda_on_cpu::submit;

struct cudnnContext {
    cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
    std::vector<int> extents;
};
struct cudnnFilterStruct {
    std::vector<int> extents;
};
struct cudnnConvolutionStruct {
    std::vector<int> zeros;
    bool reversed = false;
    cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace {

constexpr std::size_t kWorkBytes = 256;

template <class Object>
cudnnStatus_t create(Object** object) {
    *object = new Object;
    ++counts().cudnn_objects;
    return CUDNN_STATUS_SUCCESS;
}

template <class Object>
cudnnStatus_t destroy(Object* object) {
    if (object == nullptr) return CUDNN_STATUS_BAD_PARAM;
    delete object;
    --counts().cudnn_objects;
    return CUDNN_STATUS_SUCCESS;
}

/// The two channel axes, and three axes of space, the first of which may be of one sample.
using Extents = std::array<std::int64_t, 5>;
Extents padded(const std::vector<int>& extents) {
    Extents result{extents[0], extents[1], 1, extents[2], extents[3]};
    if (extents.size() == 5) std::copy(extents.begin() + 2, extents.end(), result.begin() + 2);
    return result;
}

struct Sums {
    Extents x{}, w{}, y{};
    std::array<std::int64_t, 3> zeros{};
    bool reversed = false;

    std::int64_t place(const Extents& of, std::int64_t a, std::int64_t b, std::int64_t i, std::int64_t j,
                       std::int64_t k) const {
        return (((a * of[1] + b) * of[2] + i) * of[3] + j) * of[4] + k;
    }
    /// Calls product(place in y, in w, in x) for every product of the sums.
    template <class Product>
    void each(const Product& product) const {
        const auto over = [](std::int64_t count, const auto& body) {
            for (std::int64_t at = 0; at < count; ++at) body(at);
        };
        over(y[0], [&](std::int64_t n) {
            over(y[1], [&](std::int64_t o) {
                over(x[1], [&](std::int64_t c) {
                    over(y[2] * y[3] * y[4], [&](std::int64_t i) {
                        over(w[2] * w[3] * w[4], [&](std::int64_t p) {
                            const std::array<std::int64_t, 3> at{i / (y[3] * y[4]), i / y[4] % y[3],
                                                                 i % y[4]},
                                tap{p / (w[3] * w[4]), p / w[4] % w[3], p % w[4]};
                            std::array<std::int64_t, 3> from{};
                            for (std::size_t axis = 0; axis < 3; ++axis) {
                                from[axis] = at[axis] + tap[axis] - zeros[axis];
                                if (from[axis] < 0 || from[axis] >= x[axis + 2]) return;
                            }
                            const std::int64_t weight = reversed ? w[2] * w[3] * w[4] - 1 - p : p;
                            product(place(y, n, o, at[0], at[1], at[2]),
                                    (o * w[1] + c) * w[2] * w[3] * w[4] + weight,
                                    place(x, n, c, from[0], from[1], from[2]));
                        });
                    });
                });
            });
        });
    }
};

/// Whether the extents go together; as in the library, the zeros on both sides of an axis are as many.
bool make_sums(const std::vector<int>& x, const std::vector<int>& w, const std::vector<int>& y,
               const cudnnConvolutionStruct& convolution, Sums& sums) {
    if (x.size() < 4 || x.size() > 5 || x.size() != w.size() || x.size() != y.size() ||
        x.size() != convolution.zeros.size() + 2)
        return false;
    sums = {padded(x), padded(w), padded(y), {}, convolution.reversed};
    std::copy(convolution.zeros.begin(), convolution.zeros.end(),
              sums.zeros.begin() + (convolution.zeros.size() == 2 ? 1 : 0));
    bool fits = sums.x[0] == sums.y[0] && sums.x[1] == sums.w[1] && sums.y[1] == sums.w[0];
    for (std::size_t axis = 0; axis < 3; ++axis)
        fits = fits && sums.y[axis + 2] == sums.x[axis + 2] + 2 * sums.zeros[axis] - sums.w[axis + 2] + 1;
    return fits && *std::ranges::min_element(sums.y) > 0;
}

/// Three that a careful caller does not take, then one that it does.
template <class Algorithm>
cudnnStatus_t offer(bool fits, const cudnnConvolutionStruct& convolution, Algorithm random, Algorithm ordered,
                    int most, int* found, cudnn_on_cpu_performance<Algorithm>* performances) {
    if (!fits || most < 4) return CUDNN_STATUS_BAD_PARAM;
    constexpr std::size_t kTooMuch = std::size_t{2} << 30;
    performances[0] = {random, CUDNN_STATUS_SUCCESS, 1, 0, CUDNN_NON_DETERMINISTIC, convolution.math};
    performances[1] = {random, CUDNN_STATUS_SUCCESS, 2, 0, CUDNN_DETERMINISTIC, CUDNN_TENSOR_OP_MATH};
    performances[2] = {random, CUDNN_STATUS_SUCCESS, 3, kTooMuch, CUDNN_DETERMINISTIC, convolution.math};
    performances[3] = {ordered, CUDNN_STATUS_SUCCESS, 4, kWorkBytes, CUDNN_DETERMINISTIC, convolution.math};
    *found = machine().only_random_sums ? 3 : 4;
    return machine().cudnn_declines ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_SUCCESS;
}

/// to[…] = Σ a[…]·b[…], in double precision, and nothing left of the work area.
template <class Product>
cudnnStatus_t run(cudnnHandle_t handle, bool fits, int algorithm, void* work, std::size_t work_bytes,
                  const void* alpha, const void* beta, float* to, std::int64_t count,
                  const Product& product) {
    const bool plain = *static_cast<const float*>(alpha) == 1 && *static_cast<const float*>(beta) == 0;
    if (!fits || algorithm != 1 || work == nullptr || work_bytes < kWorkBytes || !plain)
        return CUDNN_STATUS_BAD_PARAM;
    const auto sum = [=] {
        std::fill_n(static_cast<float*>(work), kWorkBytes / sizeof(float),
                    std::numeric_limits<float>::quiet_NaN());
        std::vector<double> sums(static_cast<std::size_t>(count));
        product(sums);
        std::ranges::transform(sums, to, [](double value) { return static_cast<float>(value); });
    };
    return submit(handle->stream, cuda_on_cpu::Work::library, sum) == cudaSuccess
               ? CUDNN_STATUS_SUCCESS
               : CUDNN_STATUS_EXECUTION_FAILED;
}

std::int64_t size(const Extents& extents) {
    std::int64_t product = 1;
    for (const std::int64_t extent : extents) product *= extent;
    return product;
}

double& at(std::vector<double>& values, std::int64_t place) {
    return values[static_cast<std::size_t>(place)];
}

}  // namespace

const char* cudnnGetErrorString(cudnnStatus_t status) {
    return status == CUDNN_STATUS_NOT_INITIALIZED ? "CUDNN_STATUS_NOT_INITIALIZED"
                                                  : "the emulated library failed";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
    return machine().cudnn_starts ? create(handle) : CUDNN_STATUS_NOT_INITIALIZED;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* tensor) { return create(tensor); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) { return destroy(tensor); }
cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t tensor, cudnnDataType_t /*type*/, int count,
                                         const int* extents, const int* strides) {
    int stride = 1;
    for (int axis = count; axis-- > 0;) {
        if (extents[axis] < 1 || strides[axis] != stride) return CUDNN_STATUS_BAD_PARAM;
        stride *= extents[axis];
    }
    tensor->extents.assign(extents, extents + count);
    return count < 4 ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* filter) { return create(filter); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) { return destroy(filter); }
cudnnStatus_t cudnnSetFilterNdDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t /*type*/,
                                         cudnnTensorFormat_t /*format*/, int count, const int* extents) {
    filter->extents.assign(extents, extents + count);
    return count < 4 ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* convolution) {
    return create(convolution);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution) {
    return destroy(convolution);
}
cudnnStatus_t cudnnSetConvolutionNdDescriptor(cudnnConvolutionDescriptor_t convolution, int count,
                                              const int* zeros, const int* strides, const int* dilations,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t /*type*/) {
    for (int axis = 0; axis < count; ++axis)
        if (zeros[axis] < 0 || strides[axis] != 1 || dilations[axis] != 1) return CUDNN_STATUS_BAD_PARAM;
    convolution->zeros.assign(zeros, zeros + count);
    convolution->reversed = mode == CUDNN_CONVOLUTION;
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t type) {
    convolution->math = type;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t /*handle*/, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w,
                                                     cudnnConvolutionDescriptor_t convolution,
                                                     cudnnTensorDescriptor_t y, int most, int* found,
                                                     cudnnConvolutionFwdAlgoPerf_t* performances) {
    Sums sums;
    return offer(make_sums(x->extents, w->extents, y->extents, *convolution, sums), *convolution,
                 cudnnConvolutionFwdAlgo_t{}, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, most, found,
                 performances);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t /*handle*/, cudnnFilterDescriptor_t w,
                                                          cudnnTensorDescriptor_t dy,
                                                          cudnnConvolutionDescriptor_t convolution,
                                                          cudnnTensorDescriptor_t dx, int most, int* found,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* performances) {
    Sums sums;
    return offer(make_sums(dx->extents, w->extents, dy->extents, *convolution, sums), *convolution,
                 CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, most, found,
                 performances);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t /*handle*/, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy,
    cudnnConvolutionDescriptor_t convolution, cudnnFilterDescriptor_t dw, int most, int* found,
    cudnnConvolutionBwdFilterAlgoPerf_t* performances) {
    Sums sums;
    return offer(make_sums(x->extents, dw->extents, dy->extents, *convolution, sums), *convolution,
                 CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, most, found,
                 performances);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x,
                                      const void* x_values, cudnnFilterDescriptor_t w, const void* w_values,
                                      cudnnConvolutionDescriptor_t convolution,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* work, std::size_t work_bytes,
                                      const void* beta, cudnnTensorDescriptor_t y, void* y_values) {
    Sums sums;
    const bool fits = make_sums(x->extents, w->extents, y->extents, *convolution, sums);
    const auto *from = static_cast<const float*>(x_values), *weights = static_cast<const float*>(w_values);
    return run(handle, fits, algorithm, work, work_bytes, alpha, beta, static_cast<float*>(y_values),
               size(sums.y), [=](std::vector<double>& to) {
                   sums.each([&](std::int64_t i, std::int64_t p, std::int64_t j) {
                       at(to, i) += static_cast<double>(weights[p]) * static_cast<double>(from[j]);
                   });
               });
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha, cudnnFilterDescriptor_t w,
                                           const void* w_values, cudnnTensorDescriptor_t dy,
                                           const void* dy_values, cudnnConvolutionDescriptor_t convolution,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* work,
                                           std::size_t work_bytes, const void* beta,
                                           cudnnTensorDescriptor_t dx, void* dx_values) {
    Sums sums;
    const bool fits = make_sums(dx->extents, w->extents, dy->extents, *convolution, sums);
    const auto *from = static_cast<const float*>(dy_values), *weights = static_cast<const float*>(w_values);
    return run(handle, fits, algorithm, work, work_bytes, alpha, beta, static_cast<float*>(dx_values),
               size(sums.x), [=](std::vector<double>& to) {
                   sums.each([&](std::int64_t i, std::int64_t p, std::int64_t j) {
                       at(to, j) += static_cast<double>(weights[p]) * static_cast<double>(from[i]);
                   });
               });
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                             cudnnTensorDescriptor_t x, const void* x_values,
                                             cudnnTensorDescriptor_t dy, const void* dy_values,
                                             cudnnConvolutionDescriptor_t convolution,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void* work,
                                             std::size_t work_bytes, const void* beta,
                                             cudnnFilterDescriptor_t dw, void* dw_values) {
    Sums sums;
    const bool fits = make_sums(x->extents, dw->extents, dy->extents, *convolution, sums);
    const auto *from = static_cast<const float*>(x_values), *slopes = static_cast<const float*>(dy_values);
    return run(handle, fits, algorithm, work, work_bytes, alpha, beta, static_cast<float*>(dw_values),
               size(sums.w), [=](std::vector<double>& to) {
                   sums.each([&](std::int64_t i, std::int64_t p, std::int64_t j) {
                       at(to, p) += static_cast<double>(slopes[i]) * static_cast<double>(from[j]);
                   });
               });
}

cudnnStatus_t cudnnAddTensor(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t a,
                             const void* a_values, const void* beta, cudnnTensorDescriptor_t c,
                             void* c_values) {
    if (a->extents.size() != c->extents.size() || *static_cast<const float*>(alpha) != 1 ||
        *static_cast<const float*>(beta) != 1)
        return CUDNN_STATUS_BAD_PARAM;
    for (std::size_t axis = 0; axis < a->extents.size(); ++axis)
        if (a->extents[axis] != (axis == 1 ? c->extents[1] : 1)) return CUDNN_STATUS_BAD_PARAM;
    const auto add = [extents = padded(c->extents), from = static_cast<const float*>(a_values),
                      to = static_cast<float*>(c_values)] {
        const std::int64_t space = extents[2] * extents[3] * extents[4];
        for (std::int64_t i = 0; i < size(extents); ++i) to[i] += from[i / space % extents[1]];
    };
    return submit(handle->stream, cuda_on_cpu::Work::library, add) == cudaSuccess
               ? CUDNN_STATUS_SUCCESS
               : CUDNN_STATUS_EXECUTION_FAILED;
}
