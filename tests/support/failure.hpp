// What an action that is to fail says.
#pragma once

#include <functional>
#include <string>

#include "kernels/error.hpp"

namespace spectral::test {

/// "what: why" of the Error that `action` throws.
inline std::string failure(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

}  // namespace spectral::test
