// spectral-workbench: the window. Options choose the experiment on show and can take a screenshot of it.

#include <QApplication>
#include <QCommandLineOption>
#include <QCommandLineParser>
#include <QDir>
#include <QPixmap>
#include <QTextStream>
#include <QTimer>

#include "app/passive_openmp.hpp"
#include "engine/core/error.hpp"
#include "engine/data/dataset.hpp"
#include "engine/nn/registry.hpp"
#include "spectral_version.hpp"
#include "ui/main_window.hpp"
#include "ui/panels/attention_page.hpp"
#include "ui/panels/compression_page.hpp"
#include "ui/panels/embeddings_page.hpp"
#include "ui/panels/patterns_page.hpp"
#include "ui/theme.hpp"

namespace {

constexpr int kSettle_ms = 400, kBadUsage = 2;

int fail(const QString& what) {
    QTextStream(stderr) << "error: " << what << "\n";
    return kBadUsage;
}

QSize parse_size(const QString& text) {
    const QStringList parts = text.split(QLatin1Char('x'));
    return parts.size() == 2 ? QSize(parts[0].toInt(), parts[1].toInt()) : QSize();
}

struct Screenshot {
    QString file;
    QSize size;
    spectral::ui::MainWindow::Page page = spectral::ui::MainWindow::Page::training;
    int after_epochs = 0;
};

/// Grabs the window once the run has done the wanted epochs, then ends the program.
void arrange_screenshot(spectral::ui::MainWindow& window, const Screenshot& wanted) {
    window.resize(wanted.size);
    window.show_page(wanted.page);
    const auto grab = [&window, wanted] {
        // A turn of the event loop lets charts and labels follow the last update.
        QTimer::singleShot(kSettle_ms, &window, [&window, wanted] {
            const bool saved = window.grab().save(wanted.file);
            QTextStream(saved ? stdout : stderr)
                << (saved ? "" : "error: cannot write ") << wanted.file << "\n";
            window.session().stop();
            QObject::connect(&window.session(), &spectral::ui::RunSession::finished, qApp,
                             [saved] { QCoreApplication::exit(saved ? 0 : 1); });
            if (!window.session().active()) QCoreApplication::exit(saved ? 0 : 1);
        });
    };
    using Page = spectral::ui::MainWindow::Page;
    const bool computes = wanted.page == Page::embeddings || wanted.page == Page::attention;
    if (wanted.page == Page::compression || (computes && wanted.after_epochs <= 0)) {
        auto* idle = new QTimer(&window);
        QObject::connect(idle, &QTimer::timeout, &window, [&window, idle, grab] {
            const auto& page = window.compression_page();
            if (page.opening() || page.busy() || window.embeddings_page().busy() ||
                window.attention_page().busy())
                return;
            idle->stop();
            grab();
        });
        idle->start(kSettle_ms);
        return;
    }
    if (wanted.after_epochs <= 0) {
        grab();
        return;
    }
    auto* once = new QObject(&window);
    const auto check = [&window, once, grab, wanted, taken = false]() mutable {
        const auto& record = window.session().record();
        const bool there = !record.steps().empty() && record.steps().back().epoch >= wanted.after_epochs;
        if (taken || (!there && window.session().active())) return;
        taken = true;
        once->deleteLater();
        grab();
    };
    QObject::connect(&window.session(), &spectral::ui::RunSession::updated, once, check);
    QObject::connect(&window.session(), &spectral::ui::RunSession::finished, once, check);
}

}  // namespace

int main(int count, char** arguments) {
    spectral::app::restart_with_passive_waiting(arguments);
    QApplication application(count, arguments);
    QCoreApplication::setOrganizationName(QStringLiteral("spectral-workbench"));
    QCoreApplication::setApplicationName(QStringLiteral("spectral-workbench"));
    QCoreApplication::setApplicationVersion(QStringLiteral(SPECTRAL_VERSION));

    QCommandLineParser parser;
    parser.setApplicationDescription(QStringLiteral("Train spectral models and watch what they learn."));
    parser.addHelpOption();
    parser.addVersionOption();
    const QCommandLineOption theme(
        QStringLiteral("theme"), QStringLiteral("dark, light or system, this time"), QStringLiteral("THEME"));
    const QCommandLineOption dataset(QStringLiteral("dataset"), QStringLiteral("data set to choose"),
                                     QStringLiteral("NAME"));
    const QCommandLineOption data(QStringLiteral("data"), QStringLiteral("folder of the data set"),
                                  QStringLiteral("DIR"));
    const QCommandLineOption model(QStringLiteral("model"), QStringLiteral("model to choose"),
                                   QStringLiteral("NAME"));
    const QCommandLineOption epochs(QStringLiteral("epochs"), QStringLiteral("passes over the training set"),
                                    QStringLiteral("N"));
    const QCommandLineOption open(QStringLiteral("open"), QStringLiteral("model file to show"),
                                  QStringLiteral("FILE"));
    const QCommandLineOption resume(QStringLiteral("resume"), QStringLiteral("checkpoint to go on from"),
                                    QStringLiteral("FILE"));
    const QCommandLineOption autostart(QStringLiteral("autostart"), QStringLiteral("start training at once"));
    const QCommandLineOption screenshot(QStringLiteral("screenshot"),
                                        QStringLiteral("write a picture, then quit"), QStringLiteral("FILE"));
    const QCommandLineOption size(QStringLiteral("screenshot-size"), QStringLiteral("in pixels"),
                                  QStringLiteral("WxH"), QStringLiteral("1440x900"));
    const QCommandLineOption page(
        QStringLiteral("screenshot-page"),
        QStringLiteral("training, patterns, compression, kernels, memory, embeddings or attention"),
        QStringLiteral("PAGE"), QStringLiteral("training"));
    const QCommandLineOption after(QStringLiteral("after-epochs"),
                                   QStringLiteral("train so far before the picture"), QStringLiteral("N"),
                                   QStringLiteral("0"));
    parser.addOptions(
        {theme, dataset, data, model, epochs, open, resume, autostart, screenshot, size, page, after});
    parser.process(application);

    const QString wanted_theme = parser.value(theme);
    if (parser.isSet(theme) && !QStringList{"dark", "light", "system"}.contains(wanted_theme))
        return fail(QStringLiteral("--theme %1: give dark, light or system").arg(wanted_theme));
    const auto wanted_page =
        QStringList{"training", "patterns", "compression", "kernels", "memory", "embeddings", "attention"}
            .indexOf(parser.value(page));
    if (wanted_page < 0)
        return fail(
            QStringLiteral("--screenshot-page %1: give training, patterns, compression, kernels, memory, "
                           "embeddings or attention")
                .arg(parser.value(page)));
    const QSize wanted_size = parse_size(parser.value(size));
    if (parser.isSet(size) && wanted_size.isEmpty())
        return fail(
            QStringLiteral("--screenshot-size %1: give for example 1440x900").arg(parser.value(size)));

    spectral::ExperimentConfig config;
    if (parser.isSet(dataset)) config.dataset = parser.value(dataset).toStdString();
    if (parser.isSet(data)) config.data = parser.value(data).toStdString();
    if (parser.isSet(model)) config.model = parser.value(model).toStdString();
    if (parser.isSet(epochs)) config.epochs = parser.value(epochs).toLongLong();
    try {
        spectral::find_dataset(config.dataset);
        spectral::find_model(config.model);
    } catch (const spectral::Error& error) {
        return fail(QString::fromUtf8(error.what()) + QStringLiteral("; ") +
                    QString::fromStdString(error.hint()));
    }

    spectral::ui::MainWindow::apply_saved_theme();
    spectral::ui::MainWindow window;
    if (parser.isSet(theme)) window.choose_theme(wanted_theme, false);
    window.set_config(config);
    if (parser.isSet(screenshot))
        arrange_screenshot(
            window, {parser.value(screenshot), wanted_size,
                     static_cast<spectral::ui::MainWindow::Page>(wanted_page), parser.value(after).toInt()});
    window.show();
    if (parser.isSet(resume)) {
        window.resume_file(QDir::current().absoluteFilePath(parser.value(resume)));
    } else if (parser.isSet(open)) {
        window.open_file(QDir::current().absoluteFilePath(parser.value(open)));
    } else if (parser.isSet(autostart) || (parser.isSet(screenshot) && parser.value(after).toInt() > 0)) {
        window.start();
    }
    return QApplication::exec();
}
