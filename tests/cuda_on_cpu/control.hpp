// For tests: the order in which the emulated device runs threads, the faults it is to have, and what it
// counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda_runtime.h"

namespace cuda_on_cpu {

/// 0: blocks, warps and lanes in their order; else shuffled by this seed wherever the device is free to.
void set_seed(unsigned seed);

/// How the machine looks, and what is to go wrong. Counted faults are off at 0 and happen once.
struct Machine {
    int devices = 1;
    int driver_version = 13000;
    int major = 9, minor = 0;
    int multiprocessors = 3;
    std::size_t memory_bytes = std::size_t{4} << 30;
    std::int64_t fail_allocation = 0;  ///< the nth allocation from now, device and pinned alike
    std::int64_t fail_launch = 0;      ///< the nth kernel from now does not start
    std::int64_t crash_kernel = 0;  ///< the nth kernel from now faults; the next wait says so, then all calls
    std::int64_t lose_device = 0;   ///< from the nth runtime call on nothing works any more
    std::int64_t fail_plan = 0;     ///< the nth cuFFT plan from now
    bool has_cudnn = true, cudnn_starts = true;
    bool cudnn_declines = false;    ///< every shape
    bool only_random_sums = false;  ///< cuDNN has no algorithm that gives the same digits every time
    bool late_copies = false;       ///< a copy is made when somebody waits for it, or other work is queued
};
Machine& machine();

struct Counts {
    std::int64_t device_bytes = 0, device_allocations = 0;  ///< alive
    std::int64_t pinned_bytes = 0;                          ///< alive
    std::int64_t streams = 0, events = 0, pools = 0, graphs = 0, plans = 0, blas_handles = 0, libraries = 0,
                 cudnn_objects = 0;                                              ///< alive
    std::int64_t allocations_made = 0, plans_made = 0, kernels = 0, ranges = 0;  ///< ever
    std::int64_t graph_launches = 0, graph_updates = 0;                          ///< ever
};
Counts& counts();

/// Copies a kernel's arguments and gives what one thread of it does.
using BindArguments = std::function<std::function<void()>(void** arguments)>;

/// The kernel that the emulated NVRTC gives for an expression.
void offer_kernel(const std::string& expression, BindArguments bind);

template <class... Parameters>
void offer_kernel(const std::string& expression, void (*kernel)(Parameters...)) {
    const auto bind = [kernel]<std::size_t... kIndex>(void** arguments, std::index_sequence<kIndex...>) {
        return [kernel, bound = std::tuple<Parameters...>(*static_cast<std::remove_const_t<Parameters>*>(
                            arguments[kIndex])...)] { std::apply(kernel, bound); };
    };
    offer_kernel(expression, BindArguments([bind](void** arguments) -> std::function<void()> {
                     return bind(arguments, std::index_sequence_for<Parameters...>());
                 }));
}

/// A healthy machine, order 0, no sticky error; what is alive stays counted.
void reset();

}  // namespace cuda_on_cpu
