// spectral: the command line.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <map>
#include <spectral_version.hpp>
#include <string>
#include <vector>

#include "app/commands/commands.hpp"
#include "app/passive_openmp.hpp"
#include "engine/core/error.hpp"

namespace {

/// The help of the command that was given.
std::string help_hint(const CLI::App& app) {
    const auto commands = app.get_subcommands();
    return fmt::format("see 'spectral {}--help'", commands.empty() ? "" : commands.front()->get_name() + " ");
}

/// The only option of the command that begins as `given` does, or that `given` begins with; else nothing.
std::string option_meant(const CLI::App& app, const std::string& given) {
    if (app.get_subcommands().empty() || !given.starts_with("--") || given.size() < 5) return {};
    std::vector<std::string> close;
    for (const CLI::Option* option : app.get_subcommands().front()->get_options())
        for (const std::string& name : option->get_lnames())
            if (("--" + name).starts_with(given) || given.starts_with("--" + name))
                close.push_back("--" + name);
    return close.size() == 1 ? close.front() : std::string();
}

/// The option that gave a request's field, where one did; else nothing.
std::string option_of(const CLI::App& app, const std::string& field) {
    // Where an option says it in another word than the request.
    static const std::map<std::string, std::string> renamed{{"density", "--keep"},
                                                            {"methods", "--per-layer"}};
    const auto other = renamed.find(field);
    const std::string name = other != renamed.end() ? other->second : spectral::app::flag_name(field);
    for (const CLI::App* command : app.get_subcommands())
        if (const CLI::Option* option = command->get_option_no_throw(name); option && option->count() > 0)
            return name;
    return {};
}

/// Runs the command that is given and says what went wrong.
int run(int argc, char** argv) {
    using namespace spectral::app;
    CLI::App app("Spectral Workbench: train, look into and export spectral models.", "spectral");
    app.set_version_flag("--version", SPECTRAL_VERSION " (" SPECTRAL_GIT_COMMIT ")");
    app.require_subcommand(1);
    app.footer(
        "Examples:\n  spectral train --epochs 5 --out run.h5\n  spectral compress run.h5 --ratio 10 --out "
        "small.h5\n\n'spectral COMMAND "
        "--help' shows a command's options and examples.");
    int exit_code = kExitOk;
    add_backends(app, exit_code);
    add_datasets(app, exit_code);
    add_models(app, exit_code);
    add_train(app, exit_code);
    add_eval(app, exit_code);
    add_run(app, exit_code);
    add_generate(app, exit_code);
    add_inspect(app, exit_code);
    add_bench(app, exit_code);
    add_compress(app, exit_code);
    add_tradeoff(app, exit_code);
    add_export(app, exit_code);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ExtrasError&) {
        // The exception's own text has them in reverse order.
        const std::vector<std::string> extras = app.remaining(true);
        const std::string meant = option_meant(app, extras.front());
        print_error(fmt::format("unexpected: {}", fmt::join(extras, " ")),
                    meant.empty() ? help_hint(app) : fmt::format("did you mean {}?", meant));
        return kExitBadInput;
    } catch (const CLI::RequiredError& error) {
        const bool unknown = argc > 1 && app.get_subcommands().empty();
        print_error(unknown ? fmt::format("unknown command '{}'", argv[1]) : error.what(),
                    unknown ? "commands: backends, datasets, models, train, eval, run, generate, inspect, "
                              "compress, tradeoff, export, bench; see 'spectral --help'"
                            : help_hint(app));
        return kExitBadInput;
    } catch (const CLI::ArgumentMismatch& error) {
        const std::string text = error.what();
        print_error(
            fmt::format("{}: a value is missing, or there are too many", text.substr(0, text.find(':'))),
            help_hint(app));
        return kExitBadInput;
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
        print_error(error.what(), help_hint(app));
        return kExitBadInput;
    } catch (const spectral::BadValue& error) {
        const std::string option = option_of(app, error.field());
        print_error(option.empty() ? error.what() : fmt::format("{}: {}", option, error.why()), error.hint());
        return kExitBadInput;
    } catch (const spectral::FailedRun& error) {
        print_error(error.what(), error.hint());
        return kExitFailedRun;
    } catch (const spectral::Error& error) {
        print_error(error.what(), error.hint());
        return kExitBadInput;
    } catch (const std::exception& error) {
        print_error(error.what(), "");
        return kExitFailedRun;
    }
    return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    spectral::app::restart_with_passive_waiting(argv);
    // A file that would grow past its limit is then an error like a full disk, and not the end of the
    // program.
    std::signal(SIGXFSZ, SIG_IGN);
    const int exit_code = run(argc, argv);
    std::cout.flush();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) {
        spectral::app::print_error("standard output: cannot be written, so not all of it came out",
                                   "free some space, or send the output elsewhere");
        return exit_code != spectral::app::kExitOk ? exit_code : spectral::app::kExitFailedRun;
    }
    return exit_code;
}
