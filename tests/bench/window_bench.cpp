// Training with the window open against the same run without one: samples per second of training, and wall
// time of whole runs with evaluations and checkpoints. Also the time from main() to a painted window.
#include <fmt/format.h>

#include <QApplication>
#include <QEventLoop>
#include <QObject>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "engine/train/run.hpp"
#include "ui/main_window.hpp"
#include "ui/theme.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using spectral::RunResult;

constexpr int kRounds = 5;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
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
    for (int round = 0; round < kRounds; ++round) {
        spectral::RunOptions options;
        options.out = folder.toStdString() + "/headless.h5";
        options.workspace = workspace;
        Clock::time_point start = Clock::now();
        spectral::TrainingRun run(config, options);
        const RunResult result = run.result();
        alone.add(result, seconds_since(start));

        window.set_config(config);
        QEventLoop loop;
        const auto connection = QObject::connect(&window.session(), &spectral::ui::RunSession::finished,
                                                 &loop, [&](const RunResult& seen) {
                                                     watched.add(seen, seconds_since(start));
                                                     loop.quit();
                                                 });
        start = Clock::now();
        window.start();
        loop.exec();
        QObject::disconnect(connection);
    }
    fmt::print(
        "{:<10} alone {:.3g} samples/s, {:.3f} s   window {:.3g} samples/s, {:.3f} s   ratio {:.3f}, wall "
        "{:.3f}\n",
        model, median(alone.samples_per_second), median(alone.seconds), median(watched.samples_per_second),
        median(watched.seconds), median(watched.samples_per_second) / median(alone.samples_per_second),
        median(alone.seconds) / median(watched.seconds));
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
    compare(window, "purefft", 60, folder.path());
    compare(window, "mlp", 4, folder.path());
    return 0;
}
