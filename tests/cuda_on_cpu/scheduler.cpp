#include "scheduler.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "sanitizers.hpp"

namespace cuda_on_cpu {

namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr int kLanes = 32;
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

enum class State : std::uint8_t { ready, at_barrier, at_warp, done };

/// Where the lanes of a mask meet. Values of one meeting are read while the next one gathers, hence two sets.
struct Rendezvous {
    explicit Rendezvous(unsigned lanes) : mask(lanes) {}
    unsigned mask, arrived = 0, meeting = 0;
    std::array<std::array<std::atomic<std::uint64_t>, kLanes>, 2> value{};
    char order[2] = {};  ///< for release and acquire
};

class Worker;

struct Fiber {
    std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
    fcontext_t context = nullptr;
    Worker* worker = nullptr;
    int thread = -1;
};

struct Thread {
    uint3 index{};
    State state = State::ready;
    Fiber* fiber = nullptr;  ///< none before the first and after the last step
    Where where;
    void* tsan = nullptr;
};

/// Runs blocks one after another in one thread of the operating system.
class Worker {
public:
    Worker() = default;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker();

    void begin(dim3 block, std::size_t shared_bytes, unsigned seed, const std::function<void()>& thread);
    void run_block(uint3 index);

    void* shared() { return shared_.data(); }
    int barrier(int predicate, Where where);
    WarpValues exchange(unsigned mask, std::uint64_t value, bool orders_memory, Where where);

    static thread_local Worker* current;

private:
    static void fiber_main(transfer_t from);
    void threads_of(Fiber& fiber);
    bool take_unstarted(Fiber& fiber);
    Fiber& idle_fiber();
    void resume(int thread);
    void to_scheduler(Fiber& fiber);
    void wait(State state, Where where);
    void run_warp(int warp);
    bool release_barrier();
    void enter(int thread) {
        current_ = thread;
        threadIdx = threads_[static_cast<std::size_t>(thread)].index;
    }
    Thread& running() { return threads_[static_cast<std::size_t>(current_)]; }
    [[noreturn]] void give_up(const char* what);

    template <class T>
    void shuffle(std::vector<T>& items) {
        if (random_ == 0) return;
        for (std::size_t i = items.size(); i > 1; --i) {
            random_ ^= random_ << 13;
            random_ ^= random_ >> 17;
            random_ ^= random_ << 5;
            std::swap(items[i - 1], items[random_ % i]);
        }
    }

    const std::function<void()>* body_ = nullptr;
    int count_ = 0, live_ = 0, at_barrier_ = 0, current_ = -1;
    int predicates_ = 0, predicate_sum_ = 0;
    unsigned random_ = 0, barriers_ = 0;
    std::vector<Thread> threads_;
    std::vector<std::vector<std::unique_ptr<Rendezvous>>> meetings_;  ///< per warp
    std::vector<unsigned char> shared_;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    std::vector<Fiber*> idle_;
    std::vector<int> queue_;  ///< lanes of the running warp that can go on
    std::size_t next_ = 0;
    fcontext_t scheduler_ = nullptr;
    StackOf scheduler_stack_;
    void* fake_stack_ = nullptr;
    void* tsan_scheduler_ = nullptr;
    char barrier_order_[2] = {}, start_ = 0, end_ = 0;
};

thread_local Worker* Worker::current = nullptr;

Worker::~Worker() {
#ifdef CUDA_ON_CPU_TSAN
    for (Thread& thread : threads_)
        if (thread.tsan != nullptr) __tsan_destroy_fiber(thread.tsan);
#endif
}

void Worker::give_up(const char* what) {
    std::fprintf(stderr, "cuda_on_cpu: %s in block (%u, %u, %u)\n", what, blockIdx.x, blockIdx.y, blockIdx.z);
    int shown = 0;
    for (int t = 0; t < count_ && shown < 6; ++t) {
        const Thread& thread = threads_[static_cast<std::size_t>(t)];
        if (thread.state != State::at_barrier && thread.state != State::at_warp) continue;
        std::fprintf(stderr, "  thread %d waits in a %s at %s:%u\n", t,
                     thread.state == State::at_barrier ? "block barrier" : "warp operation",
                     thread.where.file, thread.where.line);
        ++shown;
    }
    std::abort();
}

void Worker::begin(dim3 block, std::size_t shared_bytes, unsigned seed, const std::function<void()>& thread) {
    body_ = &thread;
    random_ = seed;
    count_ = static_cast<int>(block.x * block.y * block.z);
    if (threads_.size() < static_cast<std::size_t>(count_)) threads_.resize(static_cast<std::size_t>(count_));
    for (unsigned t = 0; t < static_cast<unsigned>(count_); ++t)
        threads_[t].index = {t % block.x, t / block.x % block.y, t / (block.x * block.y)};
    meetings_.resize(std::max(meetings_.size(), static_cast<std::size_t>((count_ + kLanes - 1) / kLanes)));
    shared_.clear();
    shared_.shrink_to_fit();  // so that AddressSanitizer sees its true end
    shared_.resize(shared_bytes);
}

void Worker::run_block(uint3 index) {
    blockIdx = index;
    std::fill(shared_.begin(), shared_.end(), static_cast<unsigned char>(0xFF));
    live_ = count_;
    at_barrier_ = 0;
    for (int t = 0; t < count_; ++t) {
        threads_[static_cast<std::size_t>(t)].state = State::ready;
        threads_[static_cast<std::size_t>(t)].fiber = nullptr;
    }
    for (auto& of_warp : meetings_) of_warp.clear();
    std::vector<int> warps(static_cast<std::size_t>((count_ + kLanes - 1) / kLanes));
    for (std::size_t w = 0; w < warps.size(); ++w) warps[w] = static_cast<int>(w);
#ifdef CUDA_ON_CPU_TSAN
    tsan_scheduler_ = __tsan_get_current_fiber();
#endif
    release(&start_);
    while (live_ > 0) {
        const int live_before = live_, barrier_before = at_barrier_;
        shuffle(warps);
        for (const int warp : warps) run_warp(warp);
        if (live_ == 0) break;
        if (release_barrier()) continue;
        if (live_ == live_before && at_barrier_ == barrier_before)
            give_up("threads wait in vain (a divergent barrier, or a lane is missing from a warp operation)");
    }
    acquire(&end_);
}

/// Until each of its lanes has ended or waits for the block.
void Worker::run_warp(int warp) {
    for (;;) {
        queue_.clear();
        for (int t = warp * kLanes; t < std::min(count_, (warp + 1) * kLanes); ++t)
            if (threads_[static_cast<std::size_t>(t)].state == State::ready) queue_.push_back(t);
        if (queue_.empty()) return;
        shuffle(queue_);
        next_ = 0;
        while (next_ < queue_.size()) {
            const int t = queue_[next_++];
            if (threads_[static_cast<std::size_t>(t)].state == State::ready) resume(t);
        }
    }
}

bool Worker::release_barrier() {
    if (at_barrier_ != live_) return false;
    const Thread* first = nullptr;
    for (int t = 0; t < count_; ++t) {
        Thread& thread = threads_[static_cast<std::size_t>(t)];
        if (thread.state != State::at_barrier) continue;
        if (first == nullptr) first = &thread;
        if (thread.where.line != first->where.line || std::strcmp(thread.where.file, first->where.file) != 0)
            give_up("threads of one block wait at different barriers");
    }
    for (int t = 0; t < count_; ++t) {
        Thread& thread = threads_[static_cast<std::size_t>(t)];
        if (thread.state == State::at_barrier) thread.state = State::ready;
    }
    at_barrier_ = 0;
    ++barriers_;
    predicate_sum_ = predicates_;
    predicates_ = 0;
    return true;
}

Fiber& Worker::idle_fiber() {
    if (idle_.empty()) {
        fibers_.push_back(std::make_unique<Fiber>());
        Fiber& fiber = *fibers_.back();
        fiber.worker = this;
        fiber.context = make_fcontext(fiber.stack.get() + kStackBytes, kStackBytes, fiber_main);
        idle_.push_back(&fiber);
    }
    Fiber& fiber = *idle_.back();
    idle_.pop_back();
    return fiber;
}

void Worker::fiber_main(transfer_t from) {
    watch(false);
    auto& fiber = *static_cast<Fiber*>(from.data);
    fiber.worker->scheduler_ = from.fctx;
    arrived(nullptr, &fiber.worker->scheduler_stack_);
    fiber.worker->threads_of(fiber);
}

/// A fiber runs one thread after another; it is never left for good.
void Worker::threads_of(Fiber& fiber) {
    for (;;) {
        acquire(&start_);
        watch(true);
        (*body_)();
        watch(false);
        release(&end_);
        Thread& thread = running();
        thread.state = State::done;
        thread.fiber = nullptr;
        --live_;
        if (take_unstarted(fiber)) continue;
        idle_.push_back(&fiber);
        to_scheduler(fiber);
    }
}

/// Threads that never wait need no switch between them. (To ThreadSanitizer each must be a fiber of its own.)
bool Worker::take_unstarted(Fiber& fiber) {
#ifdef CUDA_ON_CPU_TSAN
    static_cast<void>(fiber);
    return false;
#else
    while (next_ < queue_.size()) {
        const int t = queue_[next_];
        Thread& thread = threads_[static_cast<std::size_t>(t)];
        if (thread.state == State::ready && thread.fiber != nullptr) return false;
        ++next_;
        if (thread.state != State::ready) continue;
        thread.fiber = &fiber;
        fiber.thread = t;
        enter(t);
        return true;
    }
    return false;
#endif
}

void Worker::resume(int t) {
    Thread& thread = threads_[static_cast<std::size_t>(t)];
    if (thread.fiber == nullptr) {
        thread.fiber = &idle_fiber();
        thread.fiber->thread = t;
#ifdef CUDA_ON_CPU_TSAN
        if (thread.tsan == nullptr) thread.tsan = __tsan_create_fiber(0);  // kept: making one is slow
#endif
    }
    Fiber* fiber = thread.fiber;
    enter(t);
    leave_for(&fake_stack_, {fiber->stack.get(), kStackBytes});
#ifdef CUDA_ON_CPU_TSAN
    __tsan_switch_to_fiber(thread.tsan, 1);
#endif
    const transfer_t back = jump_fcontext(fiber->context, fiber);
    static_cast<Fiber*>(back.data)->context = back.fctx;
    arrived(fake_stack_, nullptr);
}

void Worker::to_scheduler(Fiber& fiber) {
    void* fake_stack = nullptr;
    leave_for(&fake_stack, scheduler_stack_);
#ifdef CUDA_ON_CPU_TSAN
    // What is ignored is a property of a fiber; one that may serve another thread next must not keep it.
    const bool finished = threads_[static_cast<std::size_t>(fiber.thread)].state == State::done;
    if (finished) watch(true);
    __tsan_switch_to_fiber(tsan_scheduler_, 1);
#endif
    const transfer_t back = jump_fcontext(scheduler_, &fiber);
#ifdef CUDA_ON_CPU_TSAN
    if (finished) watch(false);
#endif
    scheduler_ = back.fctx;
    arrived(fake_stack, &scheduler_stack_);
}

void Worker::wait(State state, Where where) {
    Thread& thread = running();
    thread.state = state;
    thread.where = where;
    to_scheduler(*thread.fiber);
}

int Worker::barrier(int predicate, Where where) {
    ++at_barrier_;
    predicates_ += predicate;
    char* const order = &barrier_order_[barriers_ & 1U];
    release(order);
    wait(State::at_barrier, where);
    acquire(order);
    return predicate_sum_;
}

WarpValues Worker::exchange(unsigned mask, std::uint64_t value, bool orders_memory, Where where) {
    const int warp = current_ / kLanes, lane = current_ % kLanes;
    const int lanes = std::min(kLanes, count_ - warp * kLanes);
    if (lanes < kLanes) mask &= (1U << lanes) - 1;
    if ((mask >> lane & 1U) == 0) {
        running().state = State::at_warp;
        running().where = where;
        give_up("a lane calls a warp operation whose mask leaves it out");
    }
    auto& of_warp = meetings_[static_cast<std::size_t>(warp)];
    const auto found =
        std::find_if(of_warp.begin(), of_warp.end(), [&](const auto& each) { return each->mask == mask; });
    Rendezvous& meeting =
        found != of_warp.end() ? **found : *of_warp.emplace_back(std::make_unique<Rendezvous>(mask));
    const unsigned set = meeting.meeting & 1U;
    meeting.value[set][static_cast<std::size_t>(lane)].store(value, std::memory_order_relaxed);
    if (orders_memory) release(&meeting.order[set]);
    meeting.arrived |= 1U << lane;
    if (meeting.arrived == mask) {
        meeting.arrived = 0;
        ++meeting.meeting;
        for (int other = 0; other < kLanes; ++other)
            if ((mask >> other & 1U) != 0 && other != lane)
                threads_[static_cast<std::size_t>(warp * kLanes + other)].state = State::ready;
    } else {
        wait(State::at_warp, where);
    }
    if (orders_memory) acquire(&meeting.order[set]);
    return {mask, lane, meeting.value[set].data()};
}

void run_blocks(std::atomic<unsigned>& next, dim3 grid, dim3 block, std::size_t shared_bytes, unsigned seed,
                unsigned number, const std::function<void()>& thread) {
    const Unwatched unwatched;
    static thread_local Worker worker;
    Worker::current = &worker;
    blockDim = block;
    gridDim = grid;
    worker.begin(block, shared_bytes, seed == 0 ? 0 : seed * 2654435761U + number, thread);
    const unsigned total = grid.x * grid.y * grid.z;
    for (unsigned i = next.fetch_add(1); i < total; i = next.fetch_add(1)) {
        const unsigned b = seed % 2 == 1 ? total - 1 - i : i;
        worker.run_block({b % grid.x, b / grid.x % grid.y, b / (grid.x * grid.y)});
    }
    Worker::current = nullptr;
}

/// Workers beyond the calling thread cost more than they save on small grids. AddressSanitizer sees shared
/// memory of one worker only; ThreadSanitizer needs two to see races between blocks.
unsigned workers_for(dim3 grid, dim3 block) {
    const unsigned blocks = grid.x * grid.y * grid.z;
#if defined(CUDA_ON_CPU_ASAN)
    static_cast<void>(block);
    return std::min(blocks, 1U);
#elif defined(CUDA_ON_CPU_TSAN)
    static_cast<void>(block);
    return std::min(blocks, 2U);
#else
    constexpr unsigned kManyThreads = 1U << 15;
    const unsigned threads = block.x * block.y * block.z;
    if (blocks < 2 || blocks < kManyThreads / threads) return 1;
    return std::min(blocks, std::max(1U, std::thread::hardware_concurrency()));
#endif
}

}  // namespace

void* dynamic_shared() {
    const Unwatched unwatched;
    return Worker::current->shared();
}

int block_barrier(int predicate, Where where) {
    const Unwatched unwatched;
    return Worker::current->barrier(predicate, where);
}

WarpValues exchange(unsigned mask, std::uint64_t value, bool orders_memory, Where where) {
    const Unwatched unwatched;
    return Worker::current->exchange(mask, value, orders_memory, where);
}

void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, unsigned seed,
              const std::function<void()>& thread) {
    std::atomic<unsigned> next{0};
    const unsigned workers = workers_for(grid, block);
    if (workers <= 1) {
        run_blocks(next, grid, block, shared_bytes, seed, 1, thread);
        return;
    }
    std::vector<std::thread> running;
    for (unsigned w = 0; w < workers; ++w)
        running.emplace_back([&, w] { run_blocks(next, grid, block, shared_bytes, seed, w + 1, thread); });
    for (std::thread& each : running) each.join();
}

}  // namespace cuda_on_cpu
