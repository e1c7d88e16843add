// Matrix product through oneDNN, and as three loops.
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include <string>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral::cpu {

namespace {

void run_matmul_reference(Backend& /*backend*/, const MatMul& op) {
    for (std::int64_t i = 0; i < op.m; ++i) {
        for (std::int64_t j = 0; j < op.n; ++j) {
            float sum = 0;
            for (std::int64_t l = 0; l < op.k; ++l)
                sum += (op.transpose_a ? op.a[l * op.lda + i] : op.a[i * op.lda + l]) *
                       (op.transpose_b ? op.b[j * op.ldb + l] : op.b[l * op.ldb + j]);
            float& c = op.c[i * op.ldc + j];
            c = op.beta == 0 ? sum : sum + op.beta * c;
        }
    }
}

void run_matmul(Backend& backend, const MatMul& op) {
    if (op.m == 0 || op.n == 0) return;
    if (op.k == 0) {
        run_matmul_reference(backend, op);
        return;
    }
    omp_set_num_threads(
        backend.threads());  // per calling thread, and cheap: other runs may have other counts
    const dnnl_status_t status =
        dnnl_sgemm(op.transpose_a ? 'T' : 'N', op.transpose_b ? 'T' : 'N', op.m, op.n, op.k, 1.0F, op.a,
                   op.lda, op.b, op.ldb, op.beta, op.c, op.ldc);
    if (status != dnnl_success)
        throw Error("matmul", "oneDNN refused the product (status " + std::to_string(status) + ")");
}

}  // namespace

void add_matmul(OpTable& table) {
    table.add<MatMul>(Level::reference, run_matmul_reference, "three loops");
    table.add<MatMul>(Level::tiled, run_matmul, "oneDNN's blocked, threaded sgemm");
}

}  // namespace spectral::cpu
