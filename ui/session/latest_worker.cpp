#include "ui/session/latest_worker.hpp"

#include <utility>

namespace spectral::ui {

LatestWorker::LatestWorker() : thread_([this] { run(); }) {}

LatestWorker::~LatestWorker() {
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
        next_ = {};
        unwanted_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void LatestWorker::submit(Work work) {
    {
        const std::scoped_lock lock(mutex_);
        next_ = std::move(work);
        unwanted_ = true;
    }
    changed_.notify_one();
}

void LatestWorker::drop() {
    const std::scoped_lock lock(mutex_);
    next_ = {};
    unwanted_ = true;
}

void LatestWorker::run() {
    for (;;) {
        Work work;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return ending_ || next_; });
            if (ending_) return;
            work = std::exchange(next_, {});
            unwanted_ = false;
        }
        work(unwanted_);
    }
}

}  // namespace spectral::ui
