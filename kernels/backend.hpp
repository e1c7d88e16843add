// A backend: memory, copies and a table of operations.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/op_table.hpp"
#include "kernels/types.hpp"

namespace spectral {

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
    /// Host threads that share the work; scratch sizes depend on it.
    virtual int threads() const = 0;

    /// 64-byte aligned; never null for bytes > 0. Throws std::bad_alloc.
    virtual void* allocate(std::size_t bytes) = 0;
    virtual void deallocate(void* pointer, std::size_t bytes) noexcept = 0;

    virtual void copy_to_device(void* device, const void* host, std::size_t bytes) = 0;
    virtual void copy_to_host(void* host, const void* device, std::size_t bytes) = 0;
    virtual void copy_on_device(void* to, const void* from, std::size_t bytes) = 0;
    virtual void fill_zero(void* device, std::size_t bytes) = 0;
    virtual void synchronize() = 0;

    const OpTable& operations() const { return operations_; }

    /// Runs `op` at `level`. The operation checks nothing that its header does not promise to check.
    template <class Op>
    void run(const Op& op, Level level = Level::best) {
        operations_.find<Op>(level)(*this, op);
    }

protected:
    OpTable operations_;
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
