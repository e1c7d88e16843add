// A thread for requests that overtake each other, such as those of a slider.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace spectral::ui {

/// Does one thing at a time, in a thread of its own; of what is asked for meanwhile only the latest. The
/// destructor waits for what is being done.
class LatestWorker {
public:
    /// `unwanted` becomes true when something newer is asked for, or nothing any more. Catches what it
    /// throws.
    using Work = std::function<void(const std::atomic<bool>& unwanted)>;

    LatestWorker();
    LatestWorker(const LatestWorker&) = delete;
    LatestWorker& operator=(const LatestWorker&) = delete;
    ~LatestWorker();

    void submit(Work work);
    /// What waits is forgotten, and what is being done learns that it is unwanted.
    void drop();

private:
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    Work next_;
    std::atomic<bool> unwanted_ = false;
    bool ending_ = false;
    std::thread thread_;  // last: it uses the rest
};

}  // namespace spectral::ui
