// Complex products as the formula stands: std::complex's own operator repairs results that are NaN, which
// costs a branch for every value and hides them.
#pragma once

#include "kernels/types.hpp"

namespace spectral::cpu {

template <class T>
std::complex<T> multiply(std::complex<T> a, std::complex<T> b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// conj(a)·b.
template <class T>
std::complex<T> conjugate_multiply(std::complex<T> a, std::complex<T> b) {
    return {a.real() * b.real() + a.imag() * b.imag(), a.real() * b.imag() - a.imag() * b.real()};
}

inline std::complex<double> widen(Complex x) {
    return {static_cast<double>(x.real()), static_cast<double>(x.imag())};
}

/// |x|² in double, where neither overflows.
inline double energy(Complex x) {
    const std::complex<double> wide = widen(x);
    return wide.real() * wide.real() + wide.imag() * wide.imag();
}

}  // namespace spectral::cpu
