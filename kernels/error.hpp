// The one exception type of the program: what failed, why, and what the user can do about it.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

/// Thrown by modules that are built with hidden symbols, caught outside of them: one type for all.
#define SPECTRAL_VISIBLE __attribute__((visibility("default")))

namespace spectral {

/// `what()` is "what: why". `hint` is a sentence on what to do, or empty.
class SPECTRAL_VISIBLE Error : public std::runtime_error {
public:
    Error(std::string what, std::string why, std::string hint = {})
        : std::runtime_error(why.empty() ? what : what + ": " + why),
          subject_(std::move(what)),
          why_(std::move(why)),
          hint_(std::move(hint)) {}

    const std::string& subject() const noexcept { return subject_; }
    const std::string& why() const noexcept { return why_; }
    const std::string& hint() const noexcept { return hint_; }

private:
    std::string subject_;
    std::string why_;
    std::string hint_;
};

/// There is no room: by a limit, in the machine or on a device. Who throws it has taken nothing, and can be
/// asked again for less.
class SPECTRAL_VISIBLE OutOfMemory : public Error {
public:
    using Error::Error;
};

/// Throws Error when a caller's argument is wrong; assert() is for mistakes of our own.
inline void require(bool condition, const char* what, const char* why, const char* hint = "") {
    if (!condition) throw Error(what, why, hint);
}

}  // namespace spectral
