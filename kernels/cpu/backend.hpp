// The CPU backend: the machine's memory, a thread pool, plans of FFTW and oneDNN, and the operations listed
// in operations.hpp.
#pragma once

#include "kernels/backend.hpp"
#include "kernels/cpu/convolution_plans.hpp"
#include "kernels/cpu/lane_fft.hpp"
#include "kernels/cpu/plan_cache.hpp"
#include "kernels/cpu/thread_pool.hpp"

namespace spectral {

class CpuBackend final : public Backend {
public:
    /// `threads` 0: one per core.
    explicit CpuBackend(int threads = 0);

    std::string_view name() const override { return "cpu"; }
    std::string device() const override;
    int threads() const override { return pool_.size(); }
    /// The second-level cache.
    std::size_t fast_memory_bytes() const override;
    void* allocate(std::size_t bytes) override;
    void deallocate(void* pointer, std::size_t bytes) noexcept override;
    void copy_to_device(void* device, const void* host, std::size_t bytes) override;
    void copy_to_host(void* host, const void* device, std::size_t bytes) override;
    void copy_on_device(void* to, const void* from, std::size_t bytes) override;
    void fill_zero(void* device, std::size_t bytes) override;
    void synchronize() override {}
    std::vector<PlanInfo> cached_plans() const override;
    void clear_plans() override;

    ThreadPool& pool() { return pool_; }
    PlanCache& plans() { return plans_; }
    cpu::LanePlans& lane_plans() { return lane_plans_; }
    ConvolutionPlans& convolution_plans() { return convolution_plans_; }

private:
    ThreadPool pool_;
    PlanCache plans_;
    cpu::LanePlans lane_plans_;
    ConvolutionPlans convolution_plans_;
};

/// For the operations' implementations, which only the CPU backend's own table calls.
inline CpuBackend& as_cpu(Backend& backend) { return static_cast<CpuBackend&>(backend); }

}  // namespace spectral
