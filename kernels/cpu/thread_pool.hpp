// A fixed set of threads for short parallel sections. Workers spin briefly before they sleep, because a
// training step is a few tens of microseconds and a wake-up through the kernel costs as much. Work is cut
// into as many parts as there are threads, whoever is awake takes the next one: on a busy machine the caller
// does not wait for a worker's core.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace spectral {

class ThreadPool {
public:
    /// `threads` counts the caller; 0 is one per core. Throws Error when the machine starts no more threads.
    explicit ThreadPool(int threads);
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    ~ThreadPool();

    int size() const { return size_; }

    /// Calls body(part) once for every part in [0, size()), in any thread, and returns when all have
    /// returned. The body must not throw and must not call run() again.
    template <class Body>
    void run(const Body& body) {
        run_erased([](const void* erased, int part) { (*static_cast<const Body*>(erased))(part); }, &body);
    }

    /// Splits [0, count) into size() contiguous ranges: body(part, begin, end). Ranges may be empty.
    template <class Body>
    void split(std::int64_t count, const Body& body) {
        const std::int64_t parts = size();
        run([&](int part) { body(part, count * part / parts, count * (part + 1) / parts); });
    }

private:
    using Call = void (*)(const void*, int);
    void run_erased(Call call, const void* body);
    void work();
    /// Ends and joins the workers there are.
    void stop();

    const int size_;  ///< threads, the caller's included
    /// Takes a part of the present job and does it; false when none is left.
    bool do_a_part();
    bool part_left() const;

    Call call_ = nullptr;
    const void* body_ = nullptr;
    /// Job number in the upper bits, next part to take in the lower ones: a late worker cannot take a part of
    /// a job that is over.
    static constexpr std::uint64_t kPartBits = 16, kPartMask = (std::uint64_t{1} << kPartBits) - 1;
    alignas(64) std::atomic<std::uint64_t> job_{kPartMask};
    alignas(64) std::atomic<int> unfinished_{0};
    std::atomic<int> sleepers_{0};
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<std::thread> workers_;  ///< last: they use all of the above
};

}  // namespace spectral
