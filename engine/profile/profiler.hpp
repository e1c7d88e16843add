// Times every operation of a backend: totals and quantiles by operation and level, and the spans of the last
// steps.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/profile/histogram.hpp"
#include "kernels/backend.hpp"

namespace spectral {

/// One operation at one level, since the last reset.
struct OpTiming {
    std::string op;
    int level = 0;
    std::string level_name;
    std::string change;  ///< what the level does differently
    std::int64_t calls = 0;
    double total_ms = 0, median_us = 0, p95_us = 0;
    double bytes = 0, flops = 0;  ///< of all calls, as cost() counts them
    double share = 0;             ///< of the time of all outermost operations; 0 for what runs inside others

    double gb_per_s() const { return total_ms > 0 ? bytes / total_ms * 1e-6 : 0; }
    double gflop_per_s() const { return total_ms > 0 ? flops / total_ms * 1e-6 : 0; }
};

/// One call of one operation.
struct OpSpan {
    std::int32_t timing = 0;  ///< index into Profile::timings
    std::int32_t depth = 0;   ///< 0: outermost
    std::int64_t step = 0;
    std::int64_t start_ns = 0, duration_ns = 0;  ///< on the backend's clock
};

/// What is known now. Plain data.
struct Profile {
    bool running = false;
    std::string backend, device;
    std::vector<OpTiming> timings;  ///< in the order in which they were first seen
    std::vector<OpSpan> spans;      ///< ascending in start, the newest
    std::int64_t steps = 0;         ///< counted while it ran
};

/// The hot path appends to a buffer of the thread that uses the backend; collect(), in the same thread, turns
/// that into timings. Everything else is thread-safe.
class Profiler final : public OpObserver {
public:
    static constexpr std::size_t kMaxSpans = 16384, kMaxPending = 8192;
    /// Taken in at the next step: what has left the cache costs more to read than to time.
    static constexpr std::size_t kPendingInCache = 256;

    /// Watches `backend` while started, until detach() or the next attach(). Not while an operation runs.
    void attach(Backend& backend);
    /// Before the backend goes.
    void detach();
    void start() { wanted_.store(true); }
    void stop() { wanted_.store(false); }
    bool started() const { return wanted_.load(); }
    void reset();
    /// With at most `max_spans` spans; a full copy of them takes longer than the rest of a frame.
    std::shared_ptr<const Profile> profile(std::size_t max_spans = kMaxSpans) const;

    /// In the backend's thread: a training step begins; also where start() and stop() take effect.
    void begin_step(std::int64_t step);
    /// In the backend's thread: waits for queued operations and takes their times in.
    void collect();

    void began(std::string_view op, Level level, const Cost& cost) noexcept override;
    void ended() noexcept override;

private:
    struct Pending {
        std::string_view op;
        Level level = Level::best;
        Cost cost;
        std::int32_t depth = 0;
        std::int64_t step = 0;
        Mark start, end;
    };
    struct Totals {
        DurationHistogram durations;
        std::int64_t total_ns = 0, outermost_ns = 0;
        double bytes = 0, flops = 0;
        std::size_t index = 0;
    };

    void apply_wish();
    Totals& totals_of(const Pending& each);

    std::atomic<bool> wanted_{false};
    Backend* backend_ = nullptr;
    bool watching_ = false;
    std::int64_t step_ = 0;
    std::vector<Pending> pending_;
    std::int64_t lost_ = 0;          ///< operations under way that found no room
    std::vector<std::size_t> open_;  ///< places in pending_ of the operations under way

    mutable std::mutex mutex_;  ///< for all below
    bool running_ = false;
    std::string backend_name_, device_;
    std::map<std::pair<std::string, int>, Totals> totals_;
    /// The same by the address of an operation's name, which is one for all its calls: without comparing
    /// text.
    struct Known {
        const char* name;
        Level level;
        Totals* totals;
    };
    std::vector<Known> known_;
    std::vector<OpTiming> timings_;  ///< names and levels; numbers are filled in by profile()
    std::vector<OpSpan> spans_;      ///< a ring once it is full
    std::size_t next_span_ = 0;
    std::int64_t steps_ = 0;
};

/// A backend under a profiler, or under none, for as long as this lives.
class ProfiledBackend {
public:
    ProfiledBackend(std::shared_ptr<Profiler> profiler, Backend& backend) : profiler_(std::move(profiler)) {
        if (profiler_) profiler_->attach(backend);
    }
    ProfiledBackend(const ProfiledBackend&) = delete;
    ProfiledBackend& operator=(const ProfiledBackend&) = delete;
    ~ProfiledBackend() {
        if (profiler_) profiler_->detach();
    }

    void begin_step(std::int64_t step) {
        if (profiler_) profiler_->begin_step(step);
    }

private:
    std::shared_ptr<Profiler> profiler_;
};

}  // namespace spectral
