// Attention and its gradient as the sums stand, in double precision, a query at a time.
#include <array>
#include <cmath>
#include <limits>

#include "kernels/cpu/attention_parts.hpp"
#include "kernels/cpu/operations.hpp"

namespace spectral::cpu {

namespace {

double dot(const float* a, const float* b, std::int64_t size) {
    double sum = 0;
    for (std::int64_t d = 0; d < size; ++d) sum += static_cast<double>(a[d]) * static_cast<double>(b[d]);
    return sum;
}

/// Calls body(head, i) for every query of every head.
template <class Body>
void over_queries(const AttentionShape& s, const Body& body) {
    for (std::int64_t index = 0; index < s.batch * s.heads; ++index)
        for (std::int64_t i = 0; i < s.queries; ++i) body(Head(s, index), i);
}

/// Calls body(j, s_ij) for the keys that query i attends to.
template <class Body>
void over_keys(const AttentionShape& s, const Head& head, const float* q, const float* k, std::int64_t i,
               const Body& body) {
    const std::uint8_t* keep = head.keep(s);
    const float* query = q + head.place(s.query) + i * s.query.row;
    for (std::int64_t j = 0; j < keys_until(s, i); ++j)
        if (keep == nullptr || keep[j] != 0)
            body(j, static_cast<double>(s.scale) * dot(query, k + head.place(s.key) + j * s.key.row, s.size));
}

void run_forward(Backend& /*backend*/, const Attention& op) {
    const AttentionShape& s = op.shape;
    over_queries(s, [&](const Head& head, std::int64_t i) {
        double largest = -std::numeric_limits<double>::infinity(), sum = 0;
        over_keys(s, head, op.q, op.k, i,
                  [&](std::int64_t, double score) { largest = std::max(largest, score); });
        std::array<double, kMaxHeadSize> y{};
        over_keys(s, head, op.q, op.k, i, [&](std::int64_t j, double score) {
            const double power = std::exp(score - largest);
            const float* v = op.v + head.place(s.value) + j * s.value.row;
            sum += power;
            for (std::int64_t d = 0; d < s.size; ++d)
                y[static_cast<std::size_t>(d)] += power * static_cast<double>(v[d]);
        });
        op.log_sum[head.first_row(s) + i] = static_cast<float>(largest + std::log(sum));
        for (std::int64_t d = 0; d < s.size; ++d)
            op.y[head.place(s.output) + i * s.output.row + d] =
                static_cast<float>(sum == 0 ? 0 : y[static_cast<std::size_t>(d)] / sum);
    });
}

void run_backward(Backend& /*backend*/, const AttentionBackward& op) {
    const AttentionShape& s = op.shape;
    for (std::int64_t index = 0; index < s.batch * s.heads; ++index) {
        const Head head(s, index);
        for (std::int64_t j = 0; j < s.keys; ++j) {
            std::fill_n(op.dk + head.place(s.key) + j * s.key.row, s.size, 0.0F);
            std::fill_n(op.dv + head.place(s.value) + j * s.value.row, s.size, 0.0F);
        }
    }
    over_queries(s, [&](const Head& head, std::int64_t i) {
        const std::int64_t out = head.place(s.output) + i * s.output.row;
        const std::int64_t in = head.place(s.query) + i * s.query.row;
        const auto log_sum = static_cast<double>(op.log_sum[head.first_row(s) + i]);
        const double along = dot(op.dy + out, op.y + out, s.size);
        std::array<double, kMaxHeadSize> dq{};
        over_keys(s, head, op.q, op.k, i, [&](std::int64_t j, double score) {
            const std::int64_t key = head.place(s.key) + j * s.key.row,
                               value = head.place(s.value) + j * s.value.row;
            const double p = std::exp(score - log_sum),
                         ds = p * (dot(op.dy + out, op.v + value, s.size) - along) *
                              static_cast<double>(s.scale);
            for (std::int64_t d = 0; d < s.size; ++d) {
                op.dv[value + d] += static_cast<float>(p * static_cast<double>(op.dy[out + d]));
                op.dk[key + d] += static_cast<float>(ds * static_cast<double>(op.q[in + d]));
                dq[static_cast<std::size_t>(d)] += ds * static_cast<double>(op.k[key + d]);
            }
        });
        for (std::int64_t d = 0; d < s.size; ++d)
            op.dq[in + d] = static_cast<float>(dq[static_cast<std::size_t>(d)]);
    });
}

}  // namespace

void add_attention_reference(OpTable& table) {
    constexpr auto kChange = "as the sums stand, a query at a time in double precision";
    table.add<Attention>(Level::reference, run_forward, kChange);
    table.add<AttentionBackward>(Level::reference, run_backward, kChange);
}

}  // namespace spectral::cpu
