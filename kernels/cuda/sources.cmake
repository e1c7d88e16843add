# What the CUDA backend is made of, for the module and for its emulation on the CPU. Relative to kernels/.
set(SPECTRAL_CUDA_HOST_SOURCES
    cost.cpp
    scratch.cpp
    cuda/backend.cpp
    cuda/error.cpp
    cuda/module.cpp
    cuda/plan_cache.cpp
    cuda/recording.cpp
    cuda/rfft_plan.cpp
    cuda/specialise.cpp
    cuda/step_graph.cpp)
set(SPECTRAL_CUDA_KERNEL_SOURCES
    cuda/activation.cu
    cuda/attention.cu
    cuda/attention_backward.cu
    cuda/batch_norm.cu
    cuda/ceiling.cu
    cuda/convolution.cu
    cuda/dct.cu
    cuda/dynamics.cu
    cuda/embedding.cu
    cuda/features.cu
    cuda/fft.cu
    cuda/fourier_mix.cu
    cuda/layer_norm.cu
    cuda/magnitude.cu
    cuda/matmul.cu
    cuda/mod_relu.cu
    cuda/optimiser.cu
    cuda/pooling.cu
    cuda/purefft_collapsed.cu
    cuda/purefft_compiled.cu
    cuda/purefft_fused.cu
    cuda/purefft_literal.cu
    cuda/purefft_parts.cu
    cuda/purefft_tensor.cu
    cuda/purefft_tiled.cu
    cuda/reduce.cu
    cuda/rfft_magnitude.cu
    cuda/round.cu
    cuda/rows.cu
    cuda/select.cu
    cuda/sequence.cu
    cuda/softmax.cu
    cuda/softmax_nll.cu
    cuda/sparse.cu
    cuda/sparse_matmul.cu
    cuda/spectral_batch_norm.cu
    cuda/spectral_filter.cu
    cuda/spectral_multiply.cu
    cuda/spectral_normalise.cu
    cuda/top_k.cu)

# The source that NVRTC is given, as text: these files, and the little of the standard library that they use.
set(SPECTRAL_NVRTC_HEADERS
    kernels/kernel_data.hpp
    kernels/cuda/device.cuh
    kernels/cuda/purefft_kernel.cuh
    kernels/cuda/purefft_scratch.cuh
    kernels/cuda/reduce.cuh
    kernels/cuda/softmax.cuh)
set(SPECTRAL_NVRTC_TEXTS "")
foreach(header IN LISTS SPECTRAL_NVRTC_HEADERS)
    file(READ "${PROJECT_SOURCE_DIR}/${header}" text)
    string(APPEND SPECTRAL_NVRTC_TEXTS "    {\"${header}\", R\"source(${text})source\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${header}")
endforeach()
configure_file("${CMAKE_CURRENT_LIST_DIR}/nvrtc_headers.cpp.in" nvrtc_headers.cpp @ONLY)
