// A fixed set of threads for short parallel sections: workers spin briefly before they sleep, because a training
// step is a few tens of microseconds and a wake-up through the kernel costs as much.
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
    /// `threads` counts the caller; 0 is one per core.
    explicit ThreadPool(int threads);
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    ~ThreadPool();

    int size() const { return static_cast<int>(workers_.size()) + 1; }

    /// Calls body(part) for part in [0, size()), part 0 in the caller's thread, and returns when all have returned.
    /// The body must not throw and must not call run() again.
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
    void work(int part);

    std::vector<std::thread> workers_;
    Call call_ = nullptr;
    const void* body_ = nullptr;
    alignas(64) std::atomic<std::uint64_t> generation_{0};
    alignas(64) std::atomic<int> unfinished_{0};
    std::atomic<int> sleepers_{0};
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::condition_variable wake_;
};

}  // namespace spectral
