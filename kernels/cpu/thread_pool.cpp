#include "kernels/cpu/thread_pool.hpp"

#include <algorithm>
#include <chrono>

namespace spectral {

namespace {

constexpr auto kSpinTime = std::chrono::microseconds(200);

void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
    const int count = threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    workers_.reserve(static_cast<std::size_t>(count - 1));
    for (int part = 1; part < count; ++part) workers_.emplace_back([this, part] { work(part); });
}

ThreadPool::~ThreadPool() {
    stopping_.store(true);
    {
        const std::lock_guard lock(mutex_);
        generation_.fetch_add(1);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run_erased(Call call, const void* body) {
    if (!workers_.empty()) {
        call_ = call;
        body_ = body;
        unfinished_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
        generation_.fetch_add(1);  // sequentially consistent with sleepers_: one of the two sides sees the other
        if (sleepers_.load() > 0) {
            { const std::lock_guard lock(mutex_); }
            wake_.notify_all();
        }
    }
    call(body, 0);
    // More threads than cores would make the caller spin while a worker waits for its core: yield now and then.
    for (int spins = 0; unfinished_.load(std::memory_order_acquire) > 0; ++spins) {
        if (spins % 1024 == 1023) std::this_thread::yield();
        relax();
    }
}

void ThreadPool::work(int part) {
    std::uint64_t seen = 0;
    for (;;) {
        const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
        int spins = 0;
        while (generation_.load(std::memory_order_acquire) == seen) {
            relax();
            if (++spins % 64 != 0 || std::chrono::steady_clock::now() < deadline) continue;
            std::unique_lock lock(mutex_);
            sleepers_.fetch_add(1);
            wake_.wait(lock, [&] { return generation_.load() != seen; });
            sleepers_.fetch_sub(1);
        }
        ++seen;
        if (stopping_.load()) return;
        call_(body_, part);
        unfinished_.fetch_sub(1, std::memory_order_release);
    }
}

}  // namespace spectral
