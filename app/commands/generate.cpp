// spectral generate: text from a trained model, character after character.
#include "engine/train/generate.hpp"

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "app/commands/commands.hpp"
#include "engine/core/error.hpp"
#include "engine/io/model_file.hpp"

namespace spectral::app {

namespace {

/// Beyond, somebody has typed a digit too many.
constexpr double kMostTokens = 1e6;

const Schema& generate_schema() {
    constexpr double kLargestSeed = 9'007'199'254'740'991;  // 2^53 − 1: the largest that JSON keeps
    static const Schema schema{
        {"length", FieldType::integer, 400, "length", "characters to add", 0, kMostTokens},
        {"temperature", FieldType::real, 1.0, "temperature",
         "below 1 keeps to what is likely, above 1 dares more, 0 takes the likeliest always", 0, 100},
        {"seed", FieldType::integer, 1, "seed", "of the draws: the same text again", 0, kLargestSeed}};
    return schema;
}

struct GenerateArguments {
    std::string file, backend = "auto";
    std::optional<std::string> prompt;
    bool json = false;
    SchemaFlags flags;
};

void generate(GenerateArguments& a) {
    Json options = Json::object();
    a.flags.apply(generate_schema(), "generate", options);
    options = complete(generate_schema(), options, "generate");
    const Sampling sampling{options.at("length").get<std::int64_t>(), options.at("temperature").get<double>(),
                            options.at("seed").get<std::uint64_t>()};
    const ModelFile file = read_model_file(a.file);
    const ProgressBar bar;
    const std::string text = generate_text(file, a.file, a.prompt, sampling, a.backend, bar.listener());
    bar.clear();
    if (a.json)
        fmt::print("{}\n", Json{{"prompt", a.prompt ? Json(*a.prompt) : Json()},
                                {"text", text},
                                {"length", sampling.length},
                                {"temperature", sampling.temperature},
                                {"seed", sampling.seed}}
                               .dump(-1, ' ', false, Json::error_handler_t::replace));
    else
        fmt::print("{}\n", text);
}

}  // namespace

void add_generate(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("generate", "write text with a trained character model");
    const auto a = std::make_shared<GenerateArguments>();
    command->add_option("file", a->file, "model file")->required()->type_name("FILE");
    command
        ->add_option("--prompt", a->prompt,
                     "text to go on from [a new line, or the lowest of its characters]")
        ->type_name("TEXT");
    a->flags.add(*command, generate_schema(), "Drawing");
    command->add_option("--backend", a->backend, "backend [auto]")->type_name("NAME");
    command->add_flag("--json", a->json, "print one JSON object as the last line");
    command->footer(
        "Examples:\n"
        "  spectral generate run.h5 --prompt 'ROMEO:' --length 500\n"
        "  spectral generate run.h5 --temperature 0.7 --seed 3");
    command->callback([a, &exit_code] {
        generate(*a);
        exit_code = kExitOk;
    });
}

}  // namespace spectral::app
