#include "kernels/cpu/backend.hpp"

#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <utility>

#include "kernels/available_memory.hpp"
#include "kernels/cpu/operations.hpp"

namespace spectral {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLargeBytes = std::size_t{64} << 20;  ///< worth asking the system for what it has

std::string processor_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    return "CPU";
}

/// Work areas of some megabytes come and go with every large operation. By itself the C library gives them
/// back to the system at once, and a page that is got again costs more than a transform's share of it.
void keep_freed_memory() {
    constexpr int kKept = 64 << 20, kOwnMapping = 32 << 20;  // the latter is the most that glibc takes
    mallopt(M_TRIM_THRESHOLD, kKept);
    mallopt(M_MMAP_THRESHOLD, kOwnMapping);
}

}  // namespace

CpuBackend::CpuBackend(int threads) : pool_(threads), convolution_plans_(pool_.size()) {
    keep_freed_memory();
    cpu::add_all(operations_);
}

std::string CpuBackend::device() const {
    return processor_name() + ", " + std::to_string(pool_.size()) +
           (pool_.size() == 1 ? " thread" : " threads");
}

std::size_t CpuBackend::fast_memory_bytes() const {
    constexpr std::size_t kUsual = std::size_t{1} << 20;
    const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);  // 0 or −1 where the system does not tell
    return bytes > 0 ? static_cast<std::size_t>(bytes) : kUsual;
}

std::vector<PlanInfo> CpuBackend::cached_plans() const {
    std::vector<PlanInfo> result = convolution_plans_.list();
    for (PlanInfo& plan : lane_plans_.list()) result.push_back(std::move(plan));
    for (PlanInfo& plan : plans_.list()) result.push_back(std::move(plan));
    return result;
}

void CpuBackend::clear_plans() {
    plans_.clear();
    lane_plans_.clear();
    convolution_plans_.clear();
}

void* CpuBackend::allocate(std::size_t bytes) {
    if (bytes > SIZE_MAX - kAlignment) throw std::bad_alloc();
    // The system promises more than it has and ends the program when the promise is called in.
    if (bytes >= kLargeBytes && bytes > available_memory()) throw std::bad_alloc();
    void* pointer = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
    if (!pointer) throw std::bad_alloc();
    return pointer;
}

void CpuBackend::deallocate(void* pointer, std::size_t /*bytes*/) noexcept { std::free(pointer); }

void CpuBackend::copy_to_device(void* device, const void* host, std::size_t bytes) {
    if (bytes > 0) std::memcpy(device, host, bytes);
}

void CpuBackend::copy_to_host(void* host, const void* device, std::size_t bytes) {
    if (bytes > 0) std::memcpy(host, device, bytes);
}

void CpuBackend::copy_on_device(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
}

void CpuBackend::fill_zero(void* device, std::size_t bytes) {
    if (bytes > 0) std::memset(device, 0, bytes);
}

}  // namespace spectral
