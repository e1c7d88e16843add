// PureFFT as its formula is written: every layer makes the batch × patterns × frequencies products and sums
// them. One kernel per line of the formula.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/purefft_literal.hpp"
#include "kernels/purefft_step.hpp"

namespace spectral::cuda {

namespace {

using Literal = PureFftLiteral;

/// Input of layer l; the output of the last one where l is the number of layers.
__host__ __device__ float* layer_x(const Literal& net, std::int64_t l) {
    return net.x + l * net.sizes.batch * net.sizes.frequencies;
}

__global__ void collect_kernel(Literal net, PureFftInput input) {
    const std::int64_t n = net.sizes.frequencies;
    for (std::int64_t i = global_thread(); i < net.sizes.batch * n; i += global_threads()) {
        const std::int64_t b = i / n;
        const std::int64_t row = input.rows != nullptr ? static_cast<std::int64_t>(input.rows[b]) : b;
        net.x[i] = input.x[row * input.stride + i % n];
    }
}

/// One block: the weights of layer l.
__global__ void weights_kernel(Literal net, std::int64_t l, PureFftParameters parameters) {
    __shared__ float shared[kBlock / kWarp];
    const std::int64_t n = net.sizes.frequencies, patterns = net.sizes.patterns;
    float* w = net.weights + l * patterns;
    float largest = -INFINITY;
    for (std::int64_t p = 0; p < patterns; ++p) {
        float sum = 0;
        for (std::int64_t f = threadIdx.x; f < n; f += kBlock)
            sum += parameters.pool[p * n + f] * parameters.layer[l * n + f];
        sum = block_sum<kBlock>(sum, shared);
        if (threadIdx.x == 0) w[p] = sum;
        largest = fmaxf(largest, sum);
    }
    if (threadIdx.x != 0) return;
    float sum = 0;
    for (std::int64_t p = 0; p < patterns; ++p) sum += w[p] = expf(w[p] - largest);
    for (std::int64_t p = 0; p < patterns; ++p) w[p] /= sum;
}

/// products[b,p,f] = x_ℓ[b,f] · w[p] · P[p,f]
__global__ void products_kernel(Literal net, std::int64_t l, const float* __restrict__ pool) {
    const std::int64_t n = net.sizes.frequencies, patterns = net.sizes.patterns;
    for (std::int64_t i = global_thread(); i < net.sizes.batch * patterns * n; i += global_threads()) {
        const std::int64_t f = i % n, p = i / n % patterns, b = i / n / patterns;
        net.products[i] = layer_x(net, l)[b * n + f] * net.weights[l * patterns + p] * pool[p * n + f];
    }
}

/// y[b,f] = Σ_p products[b,p,f]
__global__ void sum_products_kernel(Literal net, float* y) {
    const std::int64_t n = net.sizes.frequencies, patterns = net.sizes.patterns;
    for (std::int64_t i = global_thread(); i < net.sizes.batch * n; i += global_threads()) {
        float sum = 0;
        for (std::int64_t p = 0; p < patterns; ++p) sum += net.products[(i / n * patterns + p) * n + i % n];
        y[i] = sum;
    }
}

__global__ void logits_kernel(Literal net, const float* __restrict__ class_, float* __restrict__ logits) {
    const std::int64_t n = net.sizes.frequencies, classes = net.sizes.classes;
    const float* y = layer_x(net, net.sizes.layers);
    for (std::int64_t i = global_thread(); i < net.sizes.batch * classes; i += global_threads()) {
        double sum = 0;  // float32 would lose digits over long rows to this order of summation
        for (std::int64_t f = 0; f < n; ++f)
            sum += static_cast<double>(y[i / classes * n + f] * class_[i % classes * n + f]);
        logits[i] = static_cast<float>(sum);
    }
}

/// ∂C[k,f] = Σ_b δ[b,k] y[b,f]
__global__ void d_class_kernel(Literal net, const float* __restrict__ delta, float* __restrict__ d_class) {
    const std::int64_t n = net.sizes.frequencies, classes = net.sizes.classes;
    const float* y = layer_x(net, net.sizes.layers);
    for (std::int64_t i = global_thread(); i < classes * n; i += global_threads()) {
        float sum = 0;
        for (std::int64_t b = 0; b < net.sizes.batch; ++b)
            sum += delta[b * classes + i / n] * y[b * n + i % n];
        d_class[i] = sum;
    }
}

/// ∂y[b,f] = Σ_k δ[b,k] C[k,f]
__global__ void d_output_kernel(Literal net, const float* __restrict__ delta,
                                const float* __restrict__ class_) {
    const std::int64_t n = net.sizes.frequencies, classes = net.sizes.classes;
    for (std::int64_t i = global_thread(); i < net.sizes.batch * n; i += global_threads()) {
        float sum = 0;
        for (std::int64_t k = 0; k < classes; ++k) sum += delta[i / n * classes + k] * class_[k * n + i % n];
        net.dx[i] = sum;
    }
}

/// The sum over the pool copies its gradient to every product.
__global__ void d_products_kernel(Literal net) {
    const std::int64_t n = net.sizes.frequencies, patterns = net.sizes.patterns;
    for (std::int64_t i = global_thread(); i < net.sizes.batch * patterns * n; i += global_threads())
        net.products[i] = net.dx[i / n / patterns * n + i % n];
}

/// ∂x_ℓ[b,f] = Σ_p ∂products[b,p,f] · w[p] · P[p,f]
__global__ void d_input_kernel(Literal net, std::int64_t l, const float* __restrict__ pool) {
    const std::int64_t n = net.sizes.frequencies, patterns = net.sizes.patterns;
    for (std::int64_t i = global_thread(); i < net.sizes.batch * n; i += global_threads()) {
        float sum = 0;
        for (std::int64_t p = 0; p < patterns; ++p)
            sum += net.products[(i / n * patterns + p) * n + i % n] * net.weights[l * patterns + p] *
                   pool[p * n + i % n];
        net.next_dx[i] = sum;
    }
}

/// ∂P[p,f] += Σ_b ∂products[b,p,f] · x_ℓ[b,f] · w[p]
__global__ void d_pool_kernel(Literal net, std::int64_t l, float* __restrict__ d_pool) {
    const std::int64_t n = net.sizes.frequencies, patterns = net.sizes.patterns;
    for (std::int64_t i = global_thread(); i < patterns * n; i += global_threads()) {
        const std::int64_t p = i / n, f = i % n;
        float sum = 0;
        for (std::int64_t b = 0; b < net.sizes.batch; ++b)
            sum += net.products[(b * patterns + p) * n + f] * layer_x(net, l)[b * n + f];
        d_pool[i] += sum * net.weights[l * patterns + p];
    }
}

/// ∂w[p] = Σ_bf ∂products[b,p,f] · x_ℓ[b,f] · P[p,f], a block per pattern; in double precision, because a
/// float sum over the batch would lose digits that the other levels keep.
__global__ void d_weights_kernel(Literal net, std::int64_t l, const float* __restrict__ pool) {
    __shared__ double shared[kBlock / kWarp];
    const std::int64_t n = net.sizes.frequencies, patterns = net.sizes.patterns;
    for (std::int64_t p = blockIdx.x; p < patterns; p += gridDim.x) {
        double sum = 0;
        for (std::int64_t i = threadIdx.x; i < net.sizes.batch * n; i += kBlock)
            sum += static_cast<double>(net.products[(i / n * patterns + p) * n + i % n] * layer_x(net, l)[i] *
                                       pool[p * n + i % n]);
        sum = block_sum<kBlock>(sum, shared);
        if (threadIdx.x == 0) net.d_weights[p] = static_cast<float>(sum);
    }
}

/// The softmax' gradient, and what it adds to pool and layer patterns.
__global__ void d_scores_kernel(Literal net, std::int64_t l, PureFftParameters parameters,
                                PureFftGradients gradients) {
    const std::int64_t n = net.sizes.frequencies, patterns = net.sizes.patterns;
    const float* w = net.weights + l * patterns;
    float mean = 0;
    for (std::int64_t p = 0; p < patterns; ++p) mean += w[p] * net.d_weights[p];
    for (std::int64_t f = global_thread(); f < n; f += global_threads()) {
        float d_layer = 0;
        for (std::int64_t p = 0; p < patterns; ++p) {
            const float d_score = w[p] * (net.d_weights[p] - mean);
            gradients.pool[p * n + f] += d_score * parameters.layer[l * n + f];
            d_layer += d_score * parameters.pool[p * n + f];
        }
        gradients.layer[l * n + f] = d_layer;
    }
}

/// Grid-stride kernels over `items`.
template <class... Parameters, class... Arguments>
void over(CudaBackend& backend, std::int64_t items, void (*kernel)(Parameters...), Arguments&&... arguments) {
    if (items == 0) return;
    launch(kernel, blocks_for(items, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           std::forward<Arguments>(arguments)...);
}

void forward(CudaBackend& backend, const Literal& net, const PureFftInput& input,
             const PureFftParameters& parameters) {
    const std::int64_t values = net.sizes.batch * net.sizes.frequencies;
    over(backend, values, collect_kernel, net, input);
    for (std::int64_t l = 0; l < net.sizes.layers; ++l) {
        launch(weights_kernel, 1, kBlock, 0, backend.stream(), net, l, parameters);
        over(backend, values * net.sizes.patterns, products_kernel, net, l, parameters.pool);
        over(backend, values, sum_products_kernel, net, layer_x(net, l + 1));
    }
}

void run_forward(CudaBackend& backend, const PureFftForward& op) {
    const Literal net(op.sizes, op.scratch);
    forward(backend, net, op.input, op.parameters);
    over(backend, op.sizes.batch * op.sizes.classes, logits_kernel, net, op.parameters.class_, op.logits);
}

void run_backward(CudaBackend& backend, const PureFftBackward& op) {
    Literal net(op.sizes, op.scratch);
    forward(backend, net, op.input, op.parameters);
    const auto [batch, patterns, layers, classes, n] = op.sizes;
    const float* pool = op.parameters.pool;
    over(backend, classes * n, d_class_kernel, net, op.d_logits, op.gradients.class_);
    over(backend, batch * n, d_output_kernel, net, op.d_logits, op.parameters.class_);
    backend.fill_zero(op.gradients.pool, static_cast<std::size_t>(patterns * n) * sizeof(float));
    for (std::int64_t l = layers - 1; l >= 0; --l) {
        over(backend, batch * patterns * n, d_products_kernel, net);
        over(backend, batch * n, d_input_kernel, net, l, pool);
        over(backend, patterns * n, d_pool_kernel, net, l, op.gradients.pool);
        launch(d_weights_kernel, blocks_for(patterns, 1, backend.most_blocks()), kBlock, 0, backend.stream(),
               net, l, pool);
        std::swap(net.dx, net.next_dx);
        over(backend, n, d_scores_kernel, net, l, op.parameters, op.gradients);
    }
}

}  // namespace

void add_purefft_literal(OpTable& table) {
    constexpr auto kChange = "as written: batch × patterns × frequencies products in every layer";
    add<PureFftForward, run_forward>(table, Level::reference, kChange);
    add<PureFftBackward, run_backward>(table, Level::reference, kChange);
    table.add<PureFftStep>(Level::reference, run_purefft_step<Level::reference>, kChange);
}

}  // namespace spectral::cuda
