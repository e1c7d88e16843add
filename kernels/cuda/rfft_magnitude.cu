// y[b] = |rfft(x[b])| in one kernel: a block reads a few rows, transforms them in shared memory and writes
// their magnitudes.
#include <algorithm>
#include <type_traits>

#include "kernels/cuda/butterfly.cuh"
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/rfft_plan.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral::cuda {

namespace {

/// What RfftPlan says of samples and of the buffers, known to the compiler.
enum class Form { single, packed, packed_padded };

__device__ __forceinline__ unsigned quotient(unsigned i, const Divisor& divisor) {
    return static_cast<unsigned>(static_cast<std::uint64_t>(i) * divisor.reciprocal >> 31);
}

template <Form kForm>
__device__ __forceinline__ unsigned place(unsigned point) {
    return kForm == Form::packed_padded ? point + (point >> RfftPlan::kBankShift) : point;
}

/// e^{πi · numerator/denominator}, rounded once.
__device__ float2 turn(int numerator, int denominator) {
    double sine, cosine;
    sincospi(static_cast<double>(numerator) / denominator, &sine, &cosine);
    return make_float2(static_cast<float>(cosine), static_cast<float>(sine));
}

/// twiddles[q · before + k] = e^{−2πi qk/(before · radix)} of every pass, q > 0 and k < before: the passes'
/// ranges follow each other. unpacking[k] = −i e^{−2πi k/samples}.
template <Form kForm>
__device__ void fill_tables(const RfftPlan& plan, float2* twiddles, float2* unpacking) {
    const int threads = static_cast<int>(blockDim.x), thread = static_cast<int>(threadIdx.x);
    for (int p = 0; p < plan.passes; ++p) {
        const int before = plan.pass[p].before, after = before * plan.pass[p].radix;
        for (int i = before + thread; i < after; i += threads)
            twiddles[i] = turn(-2 * (i / before) * (i % before), after);
    }
    if (kForm != Form::single)
        for (int k = thread; k <= plan.points / 2; k += threads)
            unpacking[k] = turn(-plan.samples - 4 * k, 2 * plan.samples);
}

/// One pass over `rows` rows. `load(row, point)` gives what earlier passes left, the first one samples.
template <Form kForm, int kRadix, bool kFirst, class Load>
__device__ __forceinline__ void run_butterflies(const RfftPlan& plan, const FftPass& pass, unsigned rows,
                                                const float2* twiddles, float2* to, const Load& load) {
    const unsigned butterflies = pass.by_butterflies.value, before = pass.by_before.value;
    for (unsigned i = threadIdx.x; i < rows * butterflies; i += blockDim.x) {
        const unsigned row = quotient(i, pass.by_butterflies), j = i - row * butterflies;
        float2 v[kRadix];
#pragma unroll
        for (int q = 0; q < kRadix; ++q) v[q] = load(row, j + q * butterflies);
        unsigned k = 0;
        if constexpr (!kFirst) {
            k = j - quotient(j, pass.by_before) * before;
#pragma unroll
            for (int q = 1; q < kRadix; ++q) v[q] = multiply(v[q], twiddles[q * before + k]);
        }
        const unsigned first = row * plan.points + (j - k) * kRadix + k;
        butterfly(v, [&](int q, float2 value) { to[place<kForm>(first + q * before)] = value; });
    }
}

template <Form kForm, bool kFirst, class Load>
__device__ __forceinline__ void run_pass(const RfftPlan& plan, const FftPass& pass, unsigned rows,
                                         const float2* twiddles, float2* to, const Load& load) {
    const auto run = [&](auto radix) {
        constexpr int kRadix = decltype(radix)::value;
        if constexpr ((kRadix > 1 || kFirst) && (kRadix % 2 == 0 || kForm != Form::packed_padded))
            run_butterflies<kForm, kRadix, kFirst>(plan, pass, rows, twiddles, to, load);
    };
    switch (pass.radix) {
        case 1:
            run(std::integral_constant<int, 1>{});
            break;
        case 2:
            run(std::integral_constant<int, 2>{});
            break;
        case 3:
            run(std::integral_constant<int, 3>{});
            break;
        case 4:
            run(std::integral_constant<int, 4>{});
            break;
        case 5:
            run(std::integral_constant<int, 5>{});
            break;
        case 7:
            run(std::integral_constant<int, 7>{});
            break;
        case 8:
            run(std::integral_constant<int, 8>{});
            break;
        case 11:
            run(std::integral_constant<int, 11>{});
            break;
        case 13:
            run(std::integral_constant<int, 13>{});
            break;
        default:
            break;
    }
}

/// √x to the last place or next to it, of 0 and values that are not subnormal: one instruction where sqrtf
/// takes a dozen.
__device__ __forceinline__ float near_root(float x) {
#ifdef __CUDACC__
    float root;
    asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(root) : "f"(x));
    return root;
#else
    return sqrtf(x);
#endif
}

__device__ __forceinline__ float2 half(float2 a) { return make_float2(0.5F * a.x, 0.5F * a.y); }

/// |a| and |b|. Where a square would overflow or lose digits, hypotf takes longer and does not.
__device__ __forceinline__ float2 magnitudes(float2 a, float2 b) {
    const float first = fmaf(a.x, a.x, a.y * a.y), second = fmaf(b.x, b.x, b.y * b.y);
    if (first > 1e-30F && second > 1e-30F && first < 1e38F && second < 1e38F)
        return make_float2(near_root(first), near_root(second));
    return make_float2(hypotf(a.x, a.y), hypotf(b.x, b.y));
}

/// Packed points are Z = DFT(x[2j] + i x[2j + 1]): with S = Z[k] + conj Z[points − k], D their difference
/// and T = −i e^{−2πi k/samples} D, the spectrum at k is (S + T)/2 and at points − k the conjugate of
/// (S − T)/2.
template <Form kForm>
__device__ __forceinline__ void write_magnitudes(const RfftPlan& plan, unsigned rows, const float2* unpacking,
                                                 const float2* from, std::int64_t stride, float* y) {
    const unsigned pairs = plan.by_pairs.value, points = plan.points;
    for (unsigned i = threadIdx.x; i < rows * pairs; i += blockDim.x) {
        const unsigned row = quotient(i, plan.by_pairs), k = i - row * pairs;
        const float2 z = from[place<kForm>(row * points + k)];
        float* const magnitude = y + row * stride;
        if constexpr (kForm == Form::single) {
            magnitude[k] = magnitudes(z, z).x;
        } else {
            const float2 mirror = conjugate(from[place<kForm>(row * points + (k == 0 ? 0 : points - k))]);
            const float2 s = half(sum(z, mirror)), t = multiply(half(difference(z, mirror)), unpacking[k]);
            const float2 both = magnitudes(sum(s, t), difference(s, t));
            magnitude[k] = both.x;
            magnitude[points - k] = both.y;
        }
    }
    const int bins = plan.samples / 2 + 1;
    for (unsigned row = threadIdx.x / kWarp; row < rows; row += blockDim.x / kWarp)
#pragma unroll 1
        for (std::int64_t f = bins + threadIdx.x % kWarp; f < stride; f += kWarp) y[row * stride + f] = 0;
}

/// The buffers take turns, also from one group of rows to the next: no thread writes where another still
/// reads.
template <Form kForm>
__global__ void __launch_bounds__(RfftPlan::kMostThreads)
    rfft_magnitude_kernel(RfftPlan plan, std::int64_t batch, const float* __restrict__ x, std::int64_t stride,
                          float* __restrict__ y) {
    SPECTRAL_DYNAMIC_SHARED(float2, twiddles);
    float2* const unpacking = twiddles + plan.points;
    float2* to = unpacking + (kForm == Form::single ? 0 : plan.points / 2 + 1);
    float2* from = to + plan.buffer_points;
    fill_tables<kForm>(plan, twiddles, unpacking);
    const auto swap = [&] {
        __syncthreads();
        float2* const last = from;
        from = to;
        to = last;
    };
    const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * plan.rows;
    for (std::int64_t b = static_cast<std::int64_t>(blockIdx.x) * plan.rows; b < batch; b += step) {
        const auto rows = static_cast<unsigned>(batch - b < plan.rows ? batch - b : plan.rows);
        const float* const samples = x + b * plan.samples;
        run_pass<kForm, true>(plan, plan.pass[0], rows, twiddles, to, [&](unsigned row, unsigned point) {
            const unsigned i = row * plan.points + point;
            if constexpr (kForm == Form::single)
                return make_float2(samples[i], 0);
            else
                return reinterpret_cast<const float2*>(samples)[i];
        });
        swap();
        for (int p = 1; p < plan.passes; ++p) {
            run_pass<kForm, false>(plan, plan.pass[p], rows, twiddles, to, [&](unsigned row, unsigned point) {
                return from[place<kForm>(row * plan.points + point)];
            });
            swap();
        }
        write_magnitudes<kForm>(plan, rows, unpacking, from, stride, y + b * stride);
    }
}

/// Blocks that are on the device at once: each fills its tables only once.
std::int64_t resident_blocks(const CudaBackend& backend, const RfftPlan& plan) {
    constexpr std::size_t kReservedBytes = 1024;  // of shared memory for each block
    const std::size_t by_memory =
        (backend.info().shared_bytes + kReservedBytes) / (plan.shared_bytes + kReservedBytes);
    const auto by_threads = static_cast<std::size_t>(RfftPlan::kMostThreads / plan.threads);
    return backend.info().multiprocessors *
           static_cast<std::int64_t>(std::max<std::size_t>(std::min(by_memory, by_threads), 1));
}

template <Form kForm>
void launch_rows(CudaBackend& backend, const RfftMagnitude& op, const RfftPlan& plan) {
    const auto kernel = rfft_magnitude_kernel<kForm>;
    allow_shared_memory(kernel, backend.info().shared_bytes);
    launch(kernel, blocks_for(op.batch, plan.rows, resident_blocks(backend, plan)),
           static_cast<unsigned>(plan.threads), plan.shared_bytes, backend.stream(), plan, op.batch, op.x,
           op.y_stride, op.y);
}

void run_rfft_magnitude(CudaBackend& backend, const RfftMagnitude& op) {
    if (op.batch * op.y_stride == 0) return;
    const std::int64_t samples = op.shape.extent[static_cast<std::size_t>(op.shape.rank - 1)];
    RfftPlan plan;
    if (op.shape.size() == samples)  // no other axis
        plan = rfft_plan(samples, backend.info().shared_bytes);
    const bool aligned = !plan.packed || reinterpret_cast<std::uintptr_t>(op.x) % sizeof(float2) == 0;
    if (plan.passes == 0 || !aligned)
        backend.run(op, Level::reference);
    else if (!plan.packed)
        launch_rows<Form::single>(backend, op, plan);
    else if (!plan.padded)
        launch_rows<Form::packed>(backend, op, plan);
    else
        launch_rows<Form::packed_padded>(backend, op, plan);
}

}  // namespace

void add_rfft_magnitude(OpTable& table) {
    add<RfftMagnitude, run_rfft_magnitude>(
        table, Level::tiled,
        "one kernel: a block reads rows, transforms them in shared memory, writes magnitudes");
}

}  // namespace spectral::cuda
