// The subcommands of `spectral`, and what they share: exit codes, options generated from schemas, messages.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/progress.hpp"
#include "engine/core/schema.hpp"

namespace spectral::app {

inline constexpr int kExitOk = 0;
inline constexpr int kExitBadInput = 2;
inline constexpr int kExitFailedRun = 3;

/// Each adds its subcommand; when chosen, its callback runs it and writes `exit_code`.
void add_backends(CLI::App& app, int& exit_code);
void add_datasets(CLI::App& app, int& exit_code);
void add_models(CLI::App& app, int& exit_code);
void add_train(CLI::App& app, int& exit_code);
void add_eval(CLI::App& app, int& exit_code);
void add_run(CLI::App& app, int& exit_code);
void add_generate(CLI::App& app, int& exit_code);
void add_inspect(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_compress(CLI::App& app, int& exit_code);
void add_tradeoff(CLI::App& app, int& exit_code);
void add_export(CLI::App& app, int& exit_code);

/// Set by SIGINT and SIGTERM; a second signal ends the program at once.
const std::atomic<bool>& interrupt_requested();
void watch_signals();

/// "learning_rate" → "--learning-rate".
std::string flag_name(std::string_view field);

/// "Width of the layers. [256; 1–65536]": help, default, range, and with what else it counts.
std::string help_text(const Field& field);

/// Flags for the fields of schemas, kept as text until it is known whose schema reads them. A field that
/// several schemas have becomes one flag.
class SchemaFlags {
public:
    void add(CLI::App& command, const Schema& schema, const std::string& group);
    /// Of one of several whose fields may have the same names with other meanings and defaults: the help has
    /// a section for each, under `title` and `text`.
    void add_section(CLI::App& command, const Schema& schema, const std::string& title,
                     const std::string& text);
    /// The given flags that `schema` has, parsed and checked, over `values`; they count as used.
    void apply(const Schema& schema, std::string_view owner, Json& values);
    /// Throws Error naming the first given flag that no apply() used.
    void require_all_used(const std::string& why, const std::string& hint) const;

private:
    struct Flag {
        std::string text;
        CLI::Option* option = nullptr;
        bool used = false;
    };
    void add_flag(CLI::App& command, const Field& field, const std::string& help, const std::string& group);

    std::map<std::string, Flag> flags_;
    std::shared_ptr<std::string> sections_ = std::make_shared<std::string>();  ///< the help's
};

/// "test_bits_per_character" beside "test_loss", where the classes are tokens; `set` is "test".
void add_bits(Json& json, const std::string& set, const std::string& token_unit, double loss);
/// " (2.301 bits per character)", or nothing.
std::string bits_text(const std::string& token_unit, double loss);

/// "1,234,567"
std::string grouped(std::int64_t value);

/// As a shell reads it as one word: in quotes where it must be.
std::string shell_word(const std::string& text);

/// "40000", "40 KiB", "1.5MiB". Throws Error that names the option on anything else.
double parse_bytes(const std::string& option, const std::string& text);

/// A file that a command writes, and what may stand in its place.
struct Output {
    std::string path;    ///< empty: it is not wanted
    std::string option;  ///< that named it, "--out"
    std::string kind;    ///< "model file of this program"
    bool (*is_kind)(const std::filesystem::path&);
    std::vector<std::string> endings;  ///< of names of such files; the first is the usual one
};

/// Whether the file begins with one of `starts`, or is empty. Never throws on what it finds there.
bool begins_with(const std::filesystem::path& path, std::initializer_list<std::string_view> starts);

/// Throws Error where the name ends as those of another kind of file do, and where something stands there
/// that is not of its kind, or that nobody allowed to be replaced; `go_on` is what to do instead, for the
/// hint.
void require_free(const Output& output, bool force, const std::string& go_on = "or --force to replace it");

/// What stands at `out` is a run that took its time, or something else altogether; only the run that goes on
/// there may replace it unasked.
void require_free_model(const std::string& out, const std::string& resume, bool force,
                        const std::string& go_on = "or --force to replace the model");

/// On standard error, where that is a terminal; lines are printed wherever it goes.
class ProgressBar {
public:
    ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ~ProgressBar() { clear(); }

    void show(double fraction, std::string_view text) const;
    /// Above the bar.
    void line(std::string_view text) const;
    void clear() const;
    /// That shows it, and says so when the user wants to stop.
    Progress listener() const;

private:
    bool terminal_;
};

/// "error: …" and the hint, on standard error; without one, where to read on.
void print_error(std::string_view message, std::string_view hint);

}  // namespace spectral::app
