// A CPU backend whose memory runs out when it is told to: failure paths become testable.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/backend.hpp"

namespace spectral::test {

/// Everything is passed on to a real CPU backend; the allocation number `fail_at` (from 1) throws
/// std::bad_alloc.
class FaultBackend : public Backend {
public:
    explicit FaultBackend(std::int64_t fail_at);
    ~FaultBackend() override;

    std::string_view name() const override { return "fault"; }
    std::string device() const override { return inner_->device(); }
    int threads() const override { return inner_->threads(); }
    std::size_t fast_memory_bytes() const override { return inner_->fast_memory_bytes(); }
    void* allocate(std::size_t bytes) override;
    void deallocate(void* pointer, std::size_t bytes) noexcept override;
    void copy_to_device(void* device, const void* host, std::size_t bytes) override;
    void copy_to_host(void* host, const void* device, std::size_t bytes) override;
    void copy_on_device(void* to, const void* from, std::size_t bytes) override;
    void fill_zero(void* device, std::size_t bytes) override;
    void synchronize() override { inner_->synchronize(); }

    std::int64_t allocations() const { return allocations_; }
    std::int64_t live_bytes() const { return live_bytes_; }

private:
    std::unique_ptr<Backend> inner_;
    std::int64_t fail_at_;
    std::int64_t allocations_ = 0, live_bytes_ = 0;
};

}  // namespace spectral::test
