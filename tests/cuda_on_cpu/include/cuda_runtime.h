// CUDA's runtime header for the CPU: kernels compile as plain functions, their threads run as fibers, device
// memory is host memory. See README.md beside this folder.
#pragma once

#include "cuda_on_cpu_device.hpp"
#include "cuda_on_cpu_mma.hpp"
#include "cuda_on_cpu_runtime.hpp"
