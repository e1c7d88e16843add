#include "app/commands/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <locale>

#include "engine/core/error.hpp"
#include "engine/io/model_file.hpp"
#include "engine/train/events.hpp"

namespace spectral::app {

namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers may only touch lock-free values");

extern "C" void on_signal(int /*number*/) {
    if (interrupted.exchange(true)) std::_Exit(130);
}

}  // namespace

const std::atomic<bool>& interrupt_requested() { return interrupted; }

void watch_signals() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

std::string flag_name(std::string_view field) {
    std::string name = "--" + std::string(field);
    std::ranges::replace(name, '_', '-');
    return name;
}

std::string help_text(const Field& field) {
    std::string facts =
        field.default_value.is_string() ? field.default_value.get<std::string>() : field.default_value.dump();
    if (const std::string range = range_text(field); !range.empty()) facts += "; " + range;
    if (field.only_with) facts += "; with " + condition_text(*field.only_with);
    return fmt::format("{} [{}]", field.help, facts);
}

namespace {

/// With the sections of options before the footer.
class SectionedHelp : public CLI::Formatter {
public:
    explicit SectionedHelp(std::shared_ptr<const std::string> sections) : sections_(std::move(sections)) {}
    std::string make_footer(const CLI::App* app) const override {
        return *sections_ + CLI::Formatter::make_footer(app);
    }

private:
    std::shared_ptr<const std::string> sections_;
};

}  // namespace

void SchemaFlags::add_flag(CLI::App& command, const Field& field, const std::string& help,
                           const std::string& group) {
    auto [entry, inserted] = flags_.try_emplace(field.name);
    if (!inserted) return;
    // Bare, a flag means true; --name=false is possible too.
    entry->second.option =
        field.type == FieldType::flag
            ? command.add_flag(flag_name(field.name), entry->second.text, help)
            : command.add_option(flag_name(field.name), entry->second.text, help)->type_name("");
    entry->second.option->group(group);
}

void SchemaFlags::add(CLI::App& command, const Schema& schema, const std::string& group) {
    for (const Field& field : schema) add_flag(command, field, help_text(field), group);
}

void SchemaFlags::add_section(CLI::App& command, const Schema& schema, const std::string& title,
                              const std::string& text) {
    *sections_ += fmt::format("{}: {}\n", title, text);
    if (schema.empty()) *sections_ += "  (no options)\n";
    for (const Field& field : schema) {
        // As wide as the columns of other options.
        *sections_ += fmt::format("  {:<27} {}\n", flag_name(field.name), help_text(field));
        add_flag(command, field, {}, {});  // no group: the section lists it
    }
    *sections_ += '\n';
    command.formatter(std::make_shared<SectionedHelp>(sections_));
}

void SchemaFlags::apply(const Schema& schema, std::string_view owner, Json& values) {
    for (const Field& field : schema) {
        const auto flag = flags_.find(field.name);
        if (flag == flags_.end() || flag->second.option->count() == 0) continue;
        values[field.name] = parse_field(field, flag->second.text, owner);
        flag->second.used = true;
    }
}

void SchemaFlags::require_all_used(const std::string& why, const std::string& hint) const {
    for (const auto& [name, flag] : flags_)
        if (flag.option->count() > 0 && !flag.used)
            throw Error(fmt::format("option {}", flag_name(name)), why, hint);
}

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressBar::show(double fraction, std::string_view text) const {
    if (!terminal_) return;
    constexpr int kWidth = 30;
    const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kWidth);
    fmt::print(stderr, "\r\033[K[{:━<{}}{:·<{}}] {}", "", filled, "", kWidth - filled, text);
    std::fflush(stderr);
}

void ProgressBar::line(std::string_view text) const {
    clear();
    fmt::print(stderr, "{}\n", text);
}

void ProgressBar::clear() const {
    if (terminal_) fmt::print(stderr, "\r\033[K");
}

Progress ProgressBar::listener() const {
    return [this](std::string_view what, double fraction) {
        show(fraction, what);
        return !interrupt_requested().load();
    };
}

void print_error(std::string_view message, std::string_view hint) {
    fmt::print(stderr, "error: {}\n", message);
    fmt::print(stderr, "hint: {}\n",
               hint.empty() ? "check what is named above; 'spectral COMMAND --help' has examples" : hint);
}

std::string grouped(std::int64_t value) {
    struct Thousands : std::numpunct<char> {
        char do_thousands_sep() const override { return ','; }
        std::string do_grouping() const override { return "\3"; }
    };
    static const std::locale by_thousands(std::locale::classic(), new Thousands);
    return fmt::format(by_thousands, "{:L}", value);
}

std::string shell_word(const std::string& text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
    std::string word = "'";
    for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

void add_bits(Json& json, const std::string& set, const std::string& token_unit, double loss) {
    if (!token_unit.empty()) json[set + "_bits_per_" + token_unit] = bits_per_token(loss);
}

std::string bits_text(const std::string& token_unit, double loss) {
    if (token_unit.empty()) return {};
    return fmt::format(" ({:.4f} bits per {})", bits_per_token(loss), token_unit);
}

double parse_bytes(const std::string& option, const std::string& text) {
    double value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    std::string unit(end, text.data() + text.size());
    std::erase(unit, ' ');
    const double scale = unit.empty() || unit == "B" ? 1
                         : unit == "KiB"             ? 1024
                         : unit == "MiB"             ? 1024 * 1024
                         : unit == "GiB"             ? 1024 * 1024 * 1024
                                                     : 0;
    // Beyond any memory, and near what a 64-bit count holds.
    constexpr double kMost = 0x1p62;
    if (failure != std::errc() || scale == 0 || !(value > 0) || value * scale > kMost)
        throw Error(option, "'" + text + "' is no number of bytes", "give 40000, 40KiB or 1.5MiB");
    return value * scale;
}

bool begins_with(const std::filesystem::path& path, std::initializer_list<std::string_view> starts) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return false;
    std::string begin(64, '\0');
    file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
    begin.resize(static_cast<std::size_t>(file.gcount()));
    return begin.empty() ||
           std::ranges::any_of(starts, [&](std::string_view start) { return begin.starts_with(start); });
}

namespace {

/// Endings that promise a reader a certain kind of file; what stands after any other dot is part of a name.
constexpr auto kKnownEndings = std::to_array<std::string_view>(
    {".h5",   ".hdf5", ".hdf", ".npz",    ".npy",   ".safetensors", ".pt",   ".pth",     ".onnx", ".gguf",
     ".pkl",  ".mat",  ".pb",  ".tflite", ".keras", ".png",         ".svg",  ".jpg",     ".jpeg", ".gif",
     ".bmp",  ".webp", ".tif", ".tiff",   ".pdf",   ".eps",         ".ps",   ".csv",     ".tsv",  ".json",
     ".yaml", ".yml",  ".xml", ".html",   ".jsonl", ".ndjson",      ".xlsx", ".parquet", ".txt",  ".log",
     ".md",   ".zip",  ".gz",  ".xz",     ".tar",   ".wav"});

void require_ending(const Output& output) {
    std::string ending = std::filesystem::path(output.path).extension().string();
    std::ranges::transform(ending, ending.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (std::ranges::find(kKnownEndings, ending) == kKnownEndings.end() ||
        std::ranges::find(output.endings, ending) != output.endings.end())
        return;
    throw Error(output.option,
                fmt::format("'{}' is no name for the {} that is written", output.path, output.kind),
                fmt::format("give a name that ends in {}", output.endings.front()));
}

}  // namespace

void require_free(const Output& output, bool force, const std::string& go_on) {
    if (!output.path.empty()) require_ending(output);
    std::error_code unreadable;  // the writer says why it cannot write there
    if (output.path.empty() || !std::filesystem::is_regular_file(output.path, unreadable)) return;
    if (!output.is_kind(output.path))
        throw Error(output.path, fmt::format("exists and is no {}, so it is not replaced", output.kind),
                    fmt::format("give another name for {}, or remove the file first", output.option));
    if (!force)
        throw Error(output.path, "exists already",
                    fmt::format("give another name for {}, {}", output.option, go_on));
}

void require_free_model(const std::string& out, const std::string& resume, bool force,
                        const std::string& go_on) {
    std::error_code unreadable;
    if (!resume.empty() && !out.empty() && std::filesystem::equivalent(out, resume, unreadable)) return;
    require_free({out, "--out", "model file of this program", is_model_file, {".h5", ".hdf5", ".hdf"}}, force,
                 go_on);
}

}  // namespace spectral::app
