// The CUDA backend: one device, one stream, a pool of its memory, cuFFT plans, and the operations listed in
// operations.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/cuda/handles.hpp"
#include "kernels/cuda/library_convolution.hpp"
#include "kernels/cuda/plan_cache.hpp"
#include "kernels/cuda/recording.hpp"
#include "kernels/cuda/specialise.hpp"
#include "kernels/cuda/step_graph.hpp"

namespace spectral::cuda {

/// What the program needs to know of a device.
struct DeviceInfo {
    int index = 0;
    std::string name;
    int multiprocessors = 0;
    std::size_t shared_bytes = 0;  ///< a block can have at most
    std::size_t memory_bytes = 0;
    int capability = 0;  ///< 90 is 9.0
};

/// Throws Error that says in a sentence why there is no such device: no driver, too old a driver, no device,
/// a wrong index, a device older than the kernels are built for.
DeviceInfo find_device(int index);
/// For people: "NVIDIA H100 (device 0, 79 GiB)".
std::string device_text(const DeviceInfo& info);

class CudaBackend final : public Backend {
public:
    explicit CudaBackend(int device_index) : CudaBackend(device_index, keep_from_recording()) {}
    ~CudaBackend() override;

    std::string_view name() const override { return "cuda"; }
    std::string device() const override { return device_text(info_); }
    /// Blocks that keep partial sums of a batch.
    int threads() const override { return parts_; }
    std::size_t fast_memory_bytes() const override { return info_.shared_bytes; }

    void* allocate(std::size_t bytes) override;
    void deallocate(void* pointer, std::size_t bytes) noexcept override;
    void copy_to_device(void* device, const void* host, std::size_t bytes) override;
    void copy_to_host(void* host, const void* device, std::size_t bytes) override;
    void copy_on_device(void* to, const void* from, std::size_t bytes) override;
    void fill_zero(void* device, std::size_t bytes) override;
    void synchronize() override;
    Mark mark() override;
    std::int64_t nanoseconds(Mark mark) override;
    std::vector<PlanInfo> cached_plans() const override;
    void clear_plans() override;
    /// As a CUDA graph, unless somebody wants to see each operation: an observer, or SPECTRAL_CUDA_SYNC.
    /// SPECTRAL_CUDA_GRAPH=0 switches graphs off.
    void run_as_one(const std::function<void()>& body) override;

    const DeviceInfo& info() const { return info_; }
    cudaStream_t stream() const { return stream_.get(); }
    cublasHandle_t blas() const { return blas_.get(); }
    PlanCache& plans() { return plans_; }
    /// Null where there is no library for them.
    LibraryConvolution* convolutions() { return convolutions_.get(); }
    SpecialisedKernels& specialised() { return specialised_; }
    /// Blocks that fill the device with something to switch to while others wait.
    std::int64_t most_blocks() const { return info_.multiprocessors * std::int64_t{16}; }

    /// Working memory of kReductionParts values for sums over blocks; one operation's at a time.
    static constexpr std::int64_t kReductionParts = 8192;
    template <class T>
    T* reduction() const {
        static_assert(sizeof(T) <= kReductionBytes);
        return static_cast<T*>(reduction_.get());
    }

    /// Throws Error when a kernel that `op` launched could not be started; with SPECTRAL_CUDA_SYNC=1 also
    /// when it failed on the device, at the price of waiting for it.
    void check_launches(std::string_view op);

private:
    static constexpr std::size_t kReductionBytes = 16;
    static constexpr std::size_t kStagingHalves = 2, kStagingBytes = std::size_t{4} << 20;  ///< of a half
    static constexpr std::size_t kBlasBytes = std::size_t{8} << 20;

    CudaBackend(int device_index, const std::unique_lock<std::shared_mutex>& no_recording);
    void use_device() const;
    unsigned char* staging(std::size_t chunk) const;

    DeviceInfo info_;
    int parts_;
    bool synchronous_, records_;
    Stream stream_;
    MemoryPool pool_;
    DeviceMemory reduction_, blas_work_;
    PinnedMemory staging_;  ///< host memory that copies pass through, kStagingHalves of it
    std::array<Event, kStagingHalves> staged_;  ///< when a half was last copied
    Blas blas_;
    PlanCache plans_;
    std::unique_ptr<LibraryConvolution> convolutions_;
    SpecialisedKernels specialised_;
    StepGraph step_graph_;

    std::vector<Event> events_;      ///< of marks, by their number
    std::vector<std::size_t> free_;  ///< events that no mark holds
    Event base_;                     ///< the moment that base_ns_ says
    std::int64_t base_ns_ = 0;
};

/// For the operations' implementations, which only the CUDA backend's own table calls.
inline CudaBackend& as_cuda(Backend& backend) { return static_cast<CudaBackend&>(backend); }

}  // namespace spectral::cuda
