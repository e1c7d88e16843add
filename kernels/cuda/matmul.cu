// Matrix product by cuBLAS, in float32 throughout.
#include <limits>

#include "kernels/cuda/operations.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral::cuda {

namespace {

void run_matmul(CudaBackend& backend, const MatMul& op) {
    if (op.m == 0 || op.n == 0) return;
    for (const std::int64_t extent : {op.m, op.n, op.k, op.lda, op.ldb, op.ldc})
        if (extent > std::numeric_limits<int>::max())
            throw Error("matmul", "cuBLAS takes matrices of at most 2^31 - 1 rows and columns");
    const auto as_int = [](std::int64_t value) { return static_cast<int>(value); };
    const float alpha = 1;
    const auto transposed = [](bool yes) { return yes ? CUBLAS_OP_T : CUBLAS_OP_N; };
    // cuBLAS stores by columns: what it sees are the transposes, and cᵀ = op(b)ᵀ·op(a)ᵀ. Leading dimensions
    // must be positive even where k is 0.
    check(cublasSgemm_v2(backend.blas(), transposed(op.transpose_b), transposed(op.transpose_a), as_int(op.n),
                         as_int(op.m), as_int(op.k), &alpha, op.b, std::max(1, as_int(op.ldb)), op.a,
                         std::max(1, as_int(op.lda)), &op.beta, op.c, as_int(op.ldc)),
          "matrix product");
}

}  // namespace

void add_matmul(OpTable& table) {
    add<MatMul, run_matmul>(table, Level::tiled, "cuBLAS without shortened inputs");
}

}  // namespace spectral::cuda
