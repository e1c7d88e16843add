// Text from a model of sequences, token after token.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/progress.hpp"
#include "engine/data/tokens.hpp"
#include "engine/io/model_file.hpp"
#include "engine/nn/model.hpp"

namespace spectral {

struct Sampling {
    std::int64_t length = 200;  ///< tokens to add
    double temperature = 1;     ///< of the softmax that a token is drawn from; 0: the likeliest, always
    std::uint64_t seed = 1;
};

/// Tokens that follow `prompt`, each drawn from what the model says behind those before it, as far as its
/// context reaches; the prompt itself is not among them. The model looks back alone, one sequence at a time.
/// Throws BadValue "prompt" where it is empty, "temperature" and "length" where they are negative; Cancelled
/// when `progress` says so.
std::vector<std::int32_t> continue_tokens(Device device, Model& model, std::int64_t classes,
                                          std::span<const std::int32_t> prompt, const Sampling& sampling,
                                          const Progress& progress = {});

/// What to go on from where nobody says: the token at which lines begin, if there are lines, else the first.
std::int32_t starting_token(const Vocabulary& vocabulary);

/// The prompt, nothing: the starting token, and what follows it. Throws Error where the file holds no model
/// of text; BadValue as continue_tokens(), and "prompt" where it holds what the vocabulary does not.
std::string generate_text(const ModelFile& file, const std::string& where,
                          std::optional<std::string_view> prompt, const Sampling& sampling,
                          const std::string& backend, const Progress& progress = {});

/// With what is no UTF-8 replaced, as a text of bytes may be.
std::string displayable(std::string_view text);

}  // namespace spectral
