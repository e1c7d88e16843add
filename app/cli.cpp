// spectral: the command line.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <spectral_version.hpp>
#include <string>
#include <vector>

#include "app/commands/commands.hpp"
#include "app/passive_openmp.hpp"
#include "engine/core/error.hpp"

int main(int argc, char** argv) {
    using namespace spectral::app;
    restart_with_passive_waiting(argv);
    CLI::App app("Spectral Workbench: train, look into and export spectral models.", "spectral");
    app.set_version_flag("--version", SPECTRAL_VERSION " (" SPECTRAL_GIT_COMMIT ")");
    app.require_subcommand(1);
    app.footer(
        "Examples:\n  spectral train --epochs 5 --out run.h5\n  spectral inspect run.h5\n\n'spectral COMMAND "
        "--help' shows a command's options and examples.");
    int exit_code = kExitOk;
    add_backends(app, exit_code);
    add_datasets(app, exit_code);
    add_models(app, exit_code);
    add_train(app, exit_code);
    add_eval(app, exit_code);
    add_inspect(app, exit_code);
    add_bench(app, exit_code);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ExtrasError&) {
        // The exception's own text has them in reverse order.
        const std::vector<std::string> extras = app.remaining(true);
        print_error(
            fmt::format("unexpected: {}", fmt::join(extras, " ")),
            fmt::format("see 'spectral {}--help'", app.get_subcommands().empty()
                                                       ? ""
                                                       : app.get_subcommands().front()->get_name() + " "));
        return kExitBadInput;
    } catch (const CLI::RequiredError& error) {
        const bool unknown = argc > 1 && app.get_subcommands().empty();
        print_error(
            unknown ? fmt::format("unknown command '{}'", argv[1]) : error.what(),
            unknown
                ? "commands: backends, datasets, models, train, eval, inspect, bench; see 'spectral --help'"
                : "see 'spectral --help'");
        return kExitBadInput;
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
        print_error(error.what(), "see 'spectral --help'");
        return kExitBadInput;
    } catch (const spectral::Error& error) {
        print_error(error.what(), error.hint());
        return kExitBadInput;
    } catch (const std::exception& error) {
        print_error(error.what(), "");
        return kExitFailedRun;
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        print_error("standard output: cannot be written", "");
        return kExitFailedRun;
    }
    return exit_code;
}
