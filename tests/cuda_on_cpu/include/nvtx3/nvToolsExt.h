// NVTX ranges, counted so that a test can see them.
#pragma once

int nvtxRangePushA(const char* name);
int nvtxRangePop();
