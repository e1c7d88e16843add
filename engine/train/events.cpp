#include "engine/train/events.hpp"

namespace spectral {

std::string_view run_state_name(RunState state) {
    switch (state) {
        case RunState::preparing:
            return "preparing";
        case RunState::running:
            return "running";
        case RunState::paused:
            return "paused";
        case RunState::finished:
            return "finished";
        case RunState::stopped:
            return "stopped";
        case RunState::failed:
            return "failed";
    }
    return "?";
}

bool Updates::empty() const {
    return !info && !state && message.empty() && activity.empty() && steps.empty() && evaluations.empty() &&
           throughput.empty() && patterns.empty() && !evaluation && !text && !attention && !trouble &&
           !shortage && files.empty() && replacements.empty() && !learning_rate && !plans;
}

}  // namespace spectral
