// What AddressSanitizer and ThreadSanitizer must know of fibers. Without them all of this is empty.
#pragma once

#include <cstddef>

#include "cuda_on_cpu_device.hpp"

#ifdef CUDA_ON_CPU_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef CUDA_ON_CPU_TSAN
#include <sanitizer/tsan_interface.h>

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}
#endif

namespace cuda_on_cpu {

/// The scheduler's own data is touched by all fibers of a worker in turn; to ThreadSanitizer that would be a
/// race.
inline void watch([[maybe_unused]] bool on) {
#ifdef CUDA_ON_CPU_TSAN
    if (on) {
        AnnotateIgnoreReadsEnd("", 0);
        AnnotateIgnoreWritesEnd("", 0);
    } else {
        AnnotateIgnoreReadsBegin("", 0);
        AnnotateIgnoreWritesBegin("", 0);
    }
#endif
}

class Unwatched {
public:
    Unwatched() { watch(false); }
    Unwatched(const Unwatched&) = delete;
    Unwatched& operator=(const Unwatched&) = delete;
    ~Unwatched() { watch(true); }
};

/// What was written before `release` of an object is seen after `acquire` of it.
inline void release([[maybe_unused]] void* object) {
#ifdef CUDA_ON_CPU_TSAN
    __tsan_release(object);
#endif
}
inline void acquire([[maybe_unused]] void* object) {
#ifdef CUDA_ON_CPU_TSAN
    __tsan_acquire(object);
#endif
}

/// A stack that AddressSanitizer is told of when execution moves to it.
struct StackOf {
    const void* bottom = nullptr;
    std::size_t size = 0;
};
inline void leave_for([[maybe_unused]] void** fake_stack, [[maybe_unused]] const StackOf& target) {
#ifdef CUDA_ON_CPU_ASAN
    __sanitizer_start_switch_fiber(fake_stack, target.bottom, target.size);
#endif
}
inline void arrived([[maybe_unused]] void* fake_stack, [[maybe_unused]] StackOf* source) {
#ifdef CUDA_ON_CPU_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, source != nullptr ? &source->bottom : nullptr,
                                    source != nullptr ? &source->size : nullptr);
#endif
}

}  // namespace cuda_on_cpu
