// What every test of the whole window needs: a window of its own without a display, and a small run in it.
#pragma once

#include <QAbstractButton>
#include <QCoreApplication>
#include <QSettings>
#include <QTemporaryDir>
#include <QTest>
#include <memory>

#include "ui/main_window.hpp"

namespace spectral::ui {

class WindowFixture {
protected:
    static constexpr int kPatience_ms = 200000;  // under a thread sanitizer all is thirty times slower
    static constexpr std::int64_t kEndless = 100000;

    /// A small experiment on tones. An endless one has longer epochs, for each of them writes a checkpoint.
    static ExperimentConfig small_config(std::int64_t epochs) {
        ExperimentConfig config;
        config.dataset = "tones";
        config.dataset_options = {{"train_samples", epochs == kEndless ? 8192 : 512},
                                  {"test_samples", 128},
                                  {"length", 64},
                                  {"classes", 4}};
        config.model = "purefft";
        config.batch = 32;
        config.epochs = epochs;
        config.threads = 1;
        return config;
    }

    /// Keeps the test away from the settings and the runs of whoever runs it, and from another run of itself.
    void use_own_settings() {
        for (const char* place : {"XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"})
            qputenv(place, folder_.path().toUtf8());
        QSettings::setDefaultFormat(QSettings::IniFormat);
        for (const QSettings::Format format : {QSettings::IniFormat, QSettings::NativeFormat})
            QSettings::setPath(format, QSettings::UserScope, folder_.path());
        QCoreApplication::setOrganizationName(QStringLiteral("spectral-workbench-test"));
        MainWindow::apply_saved_theme();
    }

    void open_window(MainWindow::Page page = MainWindow::Page::training) {
        window_ = std::make_unique<MainWindow>();
        window_->resize(1280, 800);
        window_->show_page(page);
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
    }
    void close_window() { window_.reset(); }

    template <class Widget>
    Widget* find(const char* name) {
        auto* found = window_->findChild<Widget*>(QLatin1String(name));
        if (found == nullptr) qWarning("no %s in the window", name);
        return found;
    }
    void press(const char* name) { QTest::mouseClick(find<QAbstractButton>(name), Qt::LeftButton); }
    std::size_t points() { return window_->session().record().steps().size(); }
    /// By which a run is seen to go on: the points of a long one are thinned, so that they get fewer too.
    std::int64_t last_step() { return points() > 0 ? window_->session().record().steps().back().step : 0; }

    void start_and_see_points(std::int64_t epochs = kEndless) {
        window_->set_config(small_config(epochs));
        press("start_button");
        QVERIFY(window_->session().active());
        QTRY_VERIFY_WITH_TIMEOUT(points() > 10, kPatience_ms);
    }
    void stop_and_wait() {
        press("stop_button");
        QTRY_VERIFY_WITH_TIMEOUT(!window_->session().active(), kPatience_ms);
    }
    void train_to_the_end(std::int64_t epochs) {
        window_->set_config(small_config(epochs));
        press("start_button");
        QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    }

    QTemporaryDir folder_;
    std::unique_ptr<MainWindow> window_;
};

}  // namespace spectral::ui
