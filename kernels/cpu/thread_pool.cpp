#include "kernels/cpu/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>

#include "kernels/error.hpp"

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

ThreadPool::ThreadPool(int threads)
    : size_(threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()))) {
    try {
        for (int i = 1; i < size_; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
        const std::size_t started = workers_.size() + 1;
        stop();
        throw Error("threads",
                    "the machine started " + std::to_string(started) + " of " + std::to_string(size_) + ": " +
                        error.what(),
                    "ask for fewer threads");
    }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
    stopping_.store(true);
    { const std::lock_guard lock(mutex_); }  // a worker between its check and its sleep is asleep after this
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

bool ThreadPool::part_left() const { return static_cast<int>(job_.load() & kPartMask) < size(); }

bool ThreadPool::do_a_part() {
    std::uint64_t job = job_.load();
    do {
        if (static_cast<int>(job & kPartMask) >= size()) return false;
    } while (!job_.compare_exchange_weak(job, job + 1));
    // The job cannot end, and call_ and body_ cannot change, before the part just taken is done.
    call_(body_, static_cast<int>(job & kPartMask));
    unfinished_.fetch_sub(1, std::memory_order_release);
    return true;
}

void ThreadPool::run_erased(Call call, const void* body) {
    call_ = call;
    body_ = body;
    unfinished_.store(size(), std::memory_order_relaxed);
    job_.store(((job_.load(std::memory_order_relaxed) >> kPartBits) + 1) << kPartBits);
    if (sleepers_.load() > 0) {  // sequentially consistent with job_: one of the two sides sees the other
        { const std::lock_guard lock(mutex_); }
        wake_.notify_all();
    }
    while (do_a_part()) {
    }
    for (int spins = 0; unfinished_.load(std::memory_order_acquire) > 0; ++spins) {
        if (spins % 256 == 255) std::this_thread::yield();  // the worker may need this core to finish
        relax();
    }
}

void ThreadPool::work() {
    while (!stopping_.load(std::memory_order_relaxed)) {
        const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
        for (int spins = 1; !part_left(); ++spins) {
            relax();
            if (spins % 64 != 0 || std::chrono::steady_clock::now() < deadline) continue;
            std::unique_lock lock(mutex_);
            sleepers_.fetch_add(1);
            wake_.wait(lock, [&] { return part_left() || stopping_.load(); });
            sleepers_.fetch_sub(1);
            if (stopping_.load()) return;
        }
        do_a_part();
    }
}

}  // namespace spectral
