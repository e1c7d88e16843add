// Recordings of spoken digits, as the Free Spoken Digit Dataset names them: {digit}_{speaker}_{index}.wav.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/data/dataset.hpp"

namespace spectral {

/// What the name of a recording says; folders in front of it say nothing.
struct RecordingName {
    std::int32_t digit = 0;
    std::int64_t index = 0;
};
/// Nothing where a name has another form. The speaker is any text that is not empty.
std::optional<RecordingName> parse_recording_name(std::string_view name);

const Schema& speech_schema();

/// From a directory or a tar archive (gzip or not) of such recordings, in the order of their names; those of
/// index 0 to 4 are the test set. Each is brought to one rate (Resampler) and one length, from its start,
/// with zeros behind its end; a sample is that, or its log-spectrogram (Spectrogram), frames × frequencies.
/// Throws Error naming the file at fault.
Dataset load_speech(const DatasetRequest& request);

}  // namespace spectral
