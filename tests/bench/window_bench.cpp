// Training with the window open against the same run without one, in turn: samples per second of training,
// and wall time of whole runs with evaluations and checkpoints; medians and quartiles of the rounds' ratios.
// Also the time from main() to a painted window. Arguments name models to compare (all when none is) and the
// page on show (training, patterns, compression, kernels or memory).
#include <fmt/format.h>

#include <QApplication>
#include <QEventLoop>
#include <QObject>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/train/run.hpp"
#include "ui/main_window.hpp"
#include "ui/theme.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using spectral::RunResult;

constexpr int kRounds = 11;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

double quantile(std::vector<double> values, double at) {
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(at * static_cast<double>(values.size() - 1) + 0.5)];
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

/// of[i] / by[i]: both sides of a round met the same other load.
std::vector<double> ratios(const std::vector<double>& of, const std::vector<double>& by) {
    std::vector<double> result;
    for (std::size_t i = 0; i < of.size(); ++i) result.push_back(of[i] / by[i]);
    return result;
}

/// Used by the calling thread so far.
double thread_cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Side {
    std::vector<double> samples_per_second, seconds;

    void add(const RunResult& result, double wall_seconds) {
        samples_per_second.push_back(result.samples_per_second);
        seconds.push_back(wall_seconds);
    }
};

spectral::ExperimentConfig experiment(const std::string& model, std::int64_t epochs) {
    spectral::ExperimentConfig config;
    config.model = model;
    config.epochs = epochs;
    if (const char* data = std::getenv("SPECTRAL_DATA")) {
        config.dataset = "mnist";
        config.data = std::string(data) + "/mnist";
    }
    return spectral::resolved(config);
}

void compare(spectral::ui::MainWindow& window, const std::string& model, std::int64_t epochs,
             const QString& folder) {
    const spectral::ExperimentConfig config = experiment(model, epochs);
    const auto workspace = std::make_shared<spectral::Workspace>();
    Side alone, watched;
    double window_cpu_seconds = 0;
    const auto train_alone = [&] {
        spectral::RunOptions options;
        options.out = folder.toStdString() + "/headless.h5";
        options.workspace = workspace;
        const Clock::time_point start = Clock::now();
        spectral::TrainingRun run(config, options);
        const RunResult result = run.result();
        alone.add(result, seconds_since(start));
    };
    const auto train_watched = [&] {
        window.set_config(config);
        QEventLoop loop;
        Clock::time_point start;
        const auto connection = QObject::connect(&window.session(), &spectral::ui::RunSession::finished,
                                                 &loop, [&](const RunResult& seen) {
                                                     watched.add(seen, seconds_since(start));
                                                     loop.quit();
                                                 });
        const double cpu_before = thread_cpu_seconds();
        start = Clock::now();
        window.start();
        loop.exec();
        window_cpu_seconds += thread_cpu_seconds() - cpu_before;
        QObject::disconnect(connection);
    };
    for (int round = 0; round < kRounds; ++round) {
        // In turn first, so that what the first leaves behind falls on both.
        if (round % 2 == 0) train_alone();
        train_watched();
        if (round % 2 == 1) train_alone();
    }
    const std::vector<double> speed = ratios(watched.samples_per_second, alone.samples_per_second);
    const std::vector<double> wall = ratios(alone.seconds, watched.seconds);
    const double watched_seconds = std::accumulate(watched.seconds.begin(), watched.seconds.end(), 0.0);
    fmt::print(
        "{:<8} alone {:.3g} samples/s, {:.3f} s   window {:.3g} samples/s, {:.3f} s   ratio {:.3f} "
        "({:.3f} to {:.3f}), wall {:.3f} ({:.3f} to {:.3f})   GUI thread {:.1f} % of a core\n",
        model, median(alone.samples_per_second), median(alone.seconds), median(watched.samples_per_second),
        median(watched.seconds), median(speed), quantile(speed, 0.25), quantile(speed, 0.75), median(wall),
        quantile(wall, 0.25), quantile(wall, 0.75), 100 * window_cpu_seconds / watched_seconds);
}

}  // namespace

int main(int argc, char** argv) {
    const Clock::time_point start = Clock::now();
    QStandardPaths::setTestModeEnabled(true);
    QApplication application(argc, argv);
    spectral::ui::apply_theme(application, spectral::ui::ThemeKind::dark);
    spectral::ui::MainWindow window;
    window.resize(1280, 800);
    window.show();
    QCoreApplication::processEvents();
    fmt::print("window painted {:.3f} s after main()\n", seconds_since(start));
    const QTemporaryDir folder;
    QStringList asked = QCoreApplication::arguments().mid(1);
    const QStringList pages{"training", "patterns", "compression", "kernels", "memory"};
    for (qsizetype page = 0; page < pages.size(); ++page)
        if (asked.removeAll(pages[page]) > 0)
            window.show_page(static_cast<spectral::ui::MainWindow::Page>(page));
    const std::pair<const char*, std::int64_t> models[] = {{"purefft", 200}, {"mlp", 10}};
    for (const auto& [model, epochs] : models)
        if (asked.isEmpty() || asked.contains(model)) compare(window, model, epochs, folder.path());
    return 0;
}
