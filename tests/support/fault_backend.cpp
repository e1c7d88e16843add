#include "tests/support/fault_backend.hpp"

#include <new>

namespace spectral::test {

FaultBackend::FaultBackend(std::int64_t fail_at) : inner_(open_backend("cpu", 2)), fail_at_(fail_at) {}

FaultBackend::~FaultBackend() = default;

void* FaultBackend::allocate(std::size_t bytes) {
    if (++allocations_ == fail_at_) throw std::bad_alloc();
    live_bytes_ += static_cast<std::int64_t>(bytes);
    return inner_->allocate(bytes);
}

void FaultBackend::deallocate(void* pointer, std::size_t bytes) noexcept {
    live_bytes_ -= static_cast<std::int64_t>(bytes);
    inner_->deallocate(pointer, bytes);
}

void FaultBackend::copy_to_device(void* device, const void* host, std::size_t bytes) {
    inner_->copy_to_device(device, host, bytes);
}

void FaultBackend::copy_to_host(void* host, const void* device, std::size_t bytes) {
    inner_->copy_to_host(host, device, bytes);
}

void FaultBackend::copy_on_device(void* to, const void* from, std::size_t bytes) {
    inner_->copy_on_device(to, from, bytes);
}

void FaultBackend::fill_zero(void* device, std::size_t bytes) { inner_->fill_zero(device, bytes); }

}  // namespace spectral::test
