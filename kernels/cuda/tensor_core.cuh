// Products of 16 rows with 8 rows by a warp's tensor cores (PTX mma.sync m16n8): values are float32 in
// memory, are rounded on their way to the cores, and their products are summed in float32. From compute
// capability 8.0 on.
#pragma once

#include "kernels/cuda/device.cuh"

namespace spectral::cuda {

/// What the cores multiply: 10 bits of mantissa, or 7.
enum class TensorInput { tf32, bf16 };

inline constexpr int kOldestTensorArchitecture = 80;

namespace tensor_core {

#ifndef __CUDACC__
using cuda_on_cpu::mma_m16n8k16_bf16;
using cuda_on_cpu::mma_m16n8k8_tf32;
using cuda_on_cpu::to_bf16x2;
using cuda_on_cpu::to_tf32;
#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
__device__ __forceinline__ unsigned to_tf32(float x) {
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}

__device__ __forceinline__ unsigned to_bf16x2(float low, float high) {
    unsigned bits;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
    return bits;
}

__device__ __forceinline__ void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4],
                                                 const unsigned (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4],
                                                  const unsigned (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#else
// Older devices have no such instructions, and the backend does not offer them the kernels that ask for them.
__device__ __forceinline__ unsigned to_tf32(float) { return 0; }
__device__ __forceinline__ unsigned to_bf16x2(float, float) { return 0; }
__device__ __forceinline__ void mma_m16n8k8_tf32(float (&)[4], const unsigned (&)[4], const unsigned (&)[2]) {
    __trap();
}
__device__ __forceinline__ void mma_m16n8k16_bf16(float (&)[4], const unsigned (&)[4],
                                                  const unsigned (&)[2]) {
    __trap();
}
#endif

}  // namespace tensor_core

/// sums += a·bᵀ over 16 columns. Lane 4g + t brings columns 4t … 4t + 3 of rows g (`upper`) and g + 8
/// (`lower`) of a, and of row g of b; it keeps the sums of a's row g with b's rows 2t and 2t + 1, then those
/// of row g + 8. The instructions want other columns in a lane, but as a and b are mixed up alike, the sums
/// are the same, and every lane loads 16 bytes at once.
template <TensorInput kInput>
__device__ __forceinline__ void tensor_multiply(float (&sums)[4], const Pack<float, 4>& upper,
                                                const Pack<float, 4>& lower, const Pack<float, 4>& b) {
    using namespace tensor_core;
    if constexpr (kInput == TensorInput::tf32) {
#pragma unroll
        for (int j = 0; j < 4; j += 2) {
            const unsigned left[4] = {to_tf32(upper.value[j]), to_tf32(lower.value[j]),
                                      to_tf32(upper.value[j + 1]), to_tf32(lower.value[j + 1])};
            const unsigned right[2] = {to_tf32(b.value[j]), to_tf32(b.value[j + 1])};
            mma_m16n8k8_tf32(sums, left, right);
        }
    } else {
        const unsigned left[4] = {
            to_bf16x2(upper.value[0], upper.value[1]), to_bf16x2(lower.value[0], lower.value[1]),
            to_bf16x2(upper.value[2], upper.value[3]), to_bf16x2(lower.value[2], lower.value[3])};
        const unsigned right[2] = {to_bf16x2(b.value[0], b.value[1]), to_bf16x2(b.value[2], b.value[3])};
        mma_m16n8k16_bf16(sums, left, right);
    }
}

}  // namespace spectral::cuda
