// The program's exception type, for everything above the kernels.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/error.hpp"

namespace spectral {

/// A value that was asked for and cannot be had. `field` names it as requests and schemas do ("max_error"),
/// so that a command line can say which option gave it, and a form which field.
class BadValue : public Error {
public:
    BadValue(std::string field, const std::string& why, std::string hint = {})
        : Error(in_words(field), why, std::move(hint)), field_(std::move(field)) {}
    /// With another subject than the field's name.
    BadValue(std::string subject, std::string field, const std::string& why, std::string hint)
        : Error(std::move(subject), why, std::move(hint)), field_(std::move(field)) {}

    const std::string& field() const noexcept { return field_; }

private:
    static std::string in_words(std::string name) {
        std::ranges::replace(name, '_', ' ');
        return name;
    }
    std::string field_;
};

/// What was asked for was right, and could not be done after all: a disk is full, or broken.
class FailedRun : public Error {
public:
    using Error::Error;
};

/// Thrown when the user cancelled long work; not a failure.
struct Cancelled : std::runtime_error {
    Cancelled() : std::runtime_error("cancelled") {}
};

}  // namespace spectral
