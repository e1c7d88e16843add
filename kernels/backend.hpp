// A backend: memory, copies, a clock and a table of operations.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/op_observer.hpp"
#include "kernels/op_table.hpp"
#include "kernels/types.hpp"

namespace spectral {

/// A moment on a backend's clock; what the number means is the backend's affair.
struct Mark {
    std::int64_t value = 0;
};

/// A plan that a backend keeps for the next operation of the same shape.
struct PlanInfo {
    std::string text;                  ///< "28 × 28, real → complex"
    std::optional<std::size_t> bytes;  ///< nothing where the library does not tell
    std::uint64_t uses = 0;
    bool operator==(const PlanInfo&) const = default;
};

/// All calls of one backend object come from one thread at a time. Operations are queued in order;
/// `copy_to_host` and `synchronize` wait for what was queued before them. Memory of one object can be read
/// and written by every other of the same backend and device in the process.
class Backend {
public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    virtual std::string_view name() const = 0;
    /// For people: "AMD EPYC, 2 threads".
    virtual std::string device() const = 0;
    /// Host threads that share the work, or blocks of a device; scratch sizes depend on it.
    virtual int threads() const = 0;
    /// Of the memory that a thread of these works in at full speed: a core's own cache, or what a block can
    /// share. What is tiled is cut to fit it.
    virtual std::size_t fast_memory_bytes() const = 0;

    /// 64-byte aligned; never null for bytes > 0. Throws std::bad_alloc.
    virtual void* allocate(std::size_t bytes) = 0;
    virtual void deallocate(void* pointer, std::size_t bytes) noexcept = 0;

    virtual void copy_to_device(void* device, const void* host, std::size_t bytes) = 0;
    virtual void copy_to_host(void* host, const void* device, std::size_t bytes) = 0;
    virtual void copy_on_device(void* to, const void* from, std::size_t bytes) = 0;
    virtual void fill_zero(void* device, std::size_t bytes) = 0;
    virtual void synchronize() = 0;

    /// A moment in the queue of operations. The clock of a backend that runs them at once is the machine's.
    virtual Mark mark() { return {std::chrono::steady_clock::now().time_since_epoch().count()}; }
    /// Of a mark that this backend gave, once; waits for it. From some fixed moment on.
    virtual std::int64_t nanoseconds(Mark mark) { return mark.value; }

    /// Runs `body`, which only queues: operations, copies on the device, fills. A backend may record what it
    /// queues and start that as a whole, and do so again when the next body queues the same on other values;
    /// `body` may be called twice before anything of it has run.
    virtual void run_as_one(const std::function<void()>& body) { body(); }

    /// Most recently used first.
    virtual std::vector<PlanInfo> cached_plans() const { return {}; }
    /// The next operation that needs one makes it anew. Waits for operations that use them.
    virtual void clear_plans() {}

    const OpTable& operations() const { return operations_; }
    /// Null: nobody. The observer outlives its stay here.
    void set_observer(OpObserver* observer) { observer_ = observer; }

    /// Runs `op` at `level`. The operation checks nothing that its header does not promise to check.
    template <class Op>
    void run(const Op& op, Level level = Level::best) {
        const auto found = operations_.find<Op>(level);
        if (observer_ == nullptr) {
            found.function(*this, op);
            return;
        }
        const Watched watched(*observer_, Op::name, found.level, op.cost());
        found.function(*this, op);
    }

protected:
    bool observed() const { return observer_ != nullptr; }

    OpTable operations_;

private:
    class Watched {
    public:
        Watched(OpObserver& observer, std::string_view op, Level level, const Cost& cost)
            : observer_(observer) {
            observer_.began(op, level, cost);
        }
        Watched(const Watched&) = delete;
        Watched& operator=(const Watched&) = delete;
        ~Watched() { observer_.ended(); }

    private:
        OpObserver& observer_;
    };

    OpObserver* observer_ = nullptr;
};

/// What `spectral backends` lists.
struct BackendInfo {
    std::string name;
    bool usable = false;
    std::string device;
    std::string reason;  ///< why it is not usable, else empty
};

std::vector<BackendInfo> list_backends();

/// `name`: "auto" (SPECTRAL_BACKEND when set, else the best that works) or a backend's name. `threads` 0: one
/// per core. Throws Error that lists the usable ones when the name is unknown or unusable.
std::unique_ptr<Backend> open_backend(std::string_view name, int threads = 0);

}  // namespace spectral
