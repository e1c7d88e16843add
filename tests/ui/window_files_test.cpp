// The files of the real window: what it exports, saves, opens, resumes, and keeps when it is closed.
#include <QAbstractButton>
#include <QAction>
#include <QDesktopServices>
#include <QDir>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFile>
#include <QFileInfo>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMimeData>
#include <QSignalSpy>
#include <QTest>
#include <QUrl>
#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/data/dataset.hpp"
#include "engine/io/model_file.hpp"
#include "tests/ui/window_fixture.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/panels/compression_page.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/message_bar.hpp"
#include "ui/panels/training_page.hpp"

namespace spectral::ui {
namespace {

class WindowFilesTest : public QObject, protected WindowFixture {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { use_own_settings(); }
    void init() { open_window(); }
    void cleanup() { close_window(); }
    void model_and_charts_are_exported();
    void stopped_run_is_resumed();
    void ended_run_is_trained_on_or_dropped_only_when_asked();
    void exported_model_can_only_be_left();
    void file_on_show_is_named_and_found();
    void saved_model_is_opened();
    void epochs_of_a_file_are_those_of_its_checkpoint();
    void damaged_file_is_an_error_message();
    void every_data_set_shows_its_options();
    void text_is_trained_on();
    void files_are_dropped_compressed_and_remembered();
    void closing_waits_for_the_checkpoint();
    void closing_stays_when_saving_fails();

    /// Takes the place of the file manager.
    void take_url(const QUrl& url) { shown_url_ = url; }

private:
    QUrl shown_url_;
};

void WindowFilesTest::model_and_charts_are_exported() {
    start_and_see_points();
    const QString model = folder_.filePath(QStringLiteral("live.h5"));
    QSignalSpy written(&window_->session(), &RunSession::fileWritten);
    window_->export_model(model);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 1, kPatience_ms);
    stop_and_wait();
    const QString later = folder_.filePath(QStringLiteral("later.h5"));
    window_->export_model(later);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 2, kPatience_ms);
    for (const QString& path : {model, later}) {
        const ModelFile file = read_model_file(path.toStdString());
        QVERIFY(!file.checkpoint.has_value());
        QVERIFY(!file.layers.empty());
    }
    LineChart* chart = window_->training_page().loss_chart();
    const QString png = folder_.filePath(QStringLiteral("loss.png")),
                  svg = folder_.filePath(QStringLiteral("loss.svg")),
                  csv = folder_.filePath(QStringLiteral("loss.csv"));
    QVERIFY(chart->export_png(png));
    QVERIFY(chart->export_svg(svg));
    QVERIFY(chart->export_csv(csv));
    QVERIFY(!QImage(png).isNull());
    QFile picture(svg), table(csv);
    QVERIFY(picture.open(QIODevice::ReadOnly));
    QVERIFY(picture.readAll().contains("<svg"));
    QVERIFY(table.open(QIODevice::ReadOnly));
    QVERIFY(table.readAll().count('\n') > 10);
}

void WindowFilesTest::stopped_run_is_resumed() {
    start_and_see_points();
    stop_and_wait();
    const std::int64_t last = last_step();
    const std::size_t count = points();
    auto* resume = find<QAction>("action_resume_shown");
    QVERIFY(resume->isEnabled());
    resume->trigger();
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().active() && last_step() > last + 5, kPatience_ms);
    // Where the curve is not thinned, the next point is the next step.
    const auto& steps = window_->session().record().steps();
    if (steps.size() > count && steps[count - 1].step == last) QCOMPARE(steps[count].step, last + 1);
    stop_and_wait();
}

void WindowFilesTest::ended_run_is_trained_on_or_dropped_only_when_asked() {
    QVERIFY(find<QAbstractButton>("step_button")->isEnabled());
    train_to_the_end(2);
    const QString file = window_->session().output();
    const std::size_t count = points();
    QVERIFY(!find<QAbstractButton>("step_button")->isEnabled());
    QVERIFY(find<QAbstractButton>("step_button")->toolTip().contains(QStringLiteral("has ended")));
    QTest::keyClick(window_.get(), Qt::Key_S);
    QVERIFY(!window_->session().active());

    QTest::keyClick(window_.get(), Qt::Key_Space);
    QVERIFY(!window_->session().active());
    QCOMPARE(points(), count);
    QVERIFY(find<QAbstractButton>("message_train_on")->text().contains(QStringLiteral("4 epochs")));
    QVERIFY(find<QAbstractButton>("message_train_on")->hasFocus());
    press("message_close");
    QVERIFY(!window_->session().active());
    press("start_button");
    press("message_train_on");
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    QCOMPARE(points(), 2 * count);
    QCOMPARE(window_->session().output(), file);
    QCOMPARE(read_model_file(file.toStdString()).checkpoint->epoch, std::int64_t{4});

    press("start_button");
    press("message_start_afresh");
    QVERIFY(window_->session().active());
    QVERIFY(window_->session().output() != file);
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    QCOMPARE(window_->session().record().steps().front().step, std::int64_t{1});
    QCOMPARE(read_model_file(file.toStdString()).checkpoint->epoch, std::int64_t{4});
}

void WindowFilesTest::exported_model_can_only_be_left() {
    train_to_the_end(1);
    const QString path = folder_.filePath(QStringLiteral("exported.h5"));
    QSignalSpy written(&window_->session(), &RunSession::fileWritten);
    window_->export_model(path);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 1, kPatience_ms);
    QSignalSpy opened(&window_->session(), &RunSession::opened);
    window_->open_model(path);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatience_ms);
    QVERIFY(!find<QAction>("action_resume_shown")->isEnabled());
    press("start_button");
    QVERIFY(!window_->session().active());
    QVERIFY(window_->findChild<QAbstractButton*>(QStringLiteral("message_train_on")) == nullptr);
    press("message_start_afresh");
    QVERIFY(window_->session().active());
    stop_and_wait();
}

void WindowFilesTest::file_on_show_is_named_and_found() {
    auto* file = find<QAbstractButton>("status_file");
    QVERIFY(!file->isVisible());
    QVERIFY(!find<QAction>("action_show_file")->isEnabled());
    train_to_the_end(1);
    const QString output = window_->session().output();
    QVERIFY(file->isVisible());
    QVERIFY(file->toolTip().contains(output));
    QVERIFY(file->text().endsWith(QFileInfo(output).fileName()));
    QDesktopServices::setUrlHandler(QStringLiteral("file"), this, "take_url");
    file->click();
    QDesktopServices::unsetUrlHandler(QStringLiteral("file"));
    QCOMPARE(shown_url_.toLocalFile(), QFileInfo(output).absolutePath());
}

void WindowFilesTest::saved_model_is_opened() {
    train_to_the_end(2);
    const QString path = folder_.filePath(QStringLiteral("finished.h5"));
    QSignalSpy written(&window_->session(), &RunSession::fileWritten);
    window_->save_checkpoint(path);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 1, kPatience_ms);
    const std::size_t count = points();
    const std::vector<float> pool =
        window_->session().record().snapshots().back()->matrices.front().values.values;
    const std::vector<float> gain =
        window_->session().record().snapshots().back()->matrices.back().values.values;

    window_ = std::make_unique<MainWindow>();
    window_->show();
    QSignalSpy opened(&window_->session(), &RunSession::opened);
    window_->open_model(path);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatience_ms);
    QCOMPARE(points(), count);
    QCOMPARE(window_->session().record().evaluations().size(), std::size_t{2});
    QCOMPARE(window_->session().record().evaluations().back().epoch, 2.0);
    QCOMPARE(window_->panel().config()->dataset, std::string("tones"));
    const PatternSnapshot& snapshot = *window_->session().record().snapshots().back();
    QCOMPARE(snapshot.matrices.front().values.values, pool);
    const std::vector<float>& opened_gain = snapshot.matrices.back().values.values;
    QCOMPARE(opened_gain.size(), gain.size());
    float largest = 0, difference = 0;
    for (std::size_t f = 0; f < gain.size(); ++f) {
        largest = std::max(largest, std::abs(gain[f]));
        difference = std::max(difference, std::abs(gain[f] - opened_gain[f]));
    }
    QVERIFY(difference <= 1e-4F * largest);
}

/// 10 batches to an epoch, and 40 after it was resumed with smaller ones: an average says neither.
void WindowFilesTest::epochs_of_a_file_are_those_of_its_checkpoint() {
    train_to_the_end(1);
    ModelFile file = read_model_file(window_->session().output().toStdString());
    file.checkpoint->step = 80;
    file.checkpoint->epoch = 2;
    file.checkpoint->batch_in_epoch = 30;
    file.checkpoint->steps_per_epoch = 40;
    file.history.step = {1, 80};
    file.history.loss = file.history.accuracy = {1, 1};
    const QString path = folder_.filePath(QStringLiteral("other_batches.h5"));
    write_model_file(path.toStdString(), file);
    window_->open_model(path);
    QTRY_COMPARE_WITH_TIMEOUT(window_->session().output(), path, kPatience_ms);
    QCOMPARE(window_->session().record().epochs(), 2.75);
    QCOMPARE(window_->session().record().steps().back().epoch, 2.75);
    RunRecord going_on;
    going_on.set_epochs(4);
    Updates updates;
    updates.info = RunInfo{};
    updates.steps.push_back({80, std::nextafter(4.0, 0.0), 1, 1});  // an average of the file's
    going_on.add(updates);
    QVERIFY(going_on.epochs() >= 4);
    // The form shows the epochs that the run was to have, 1, of which 2 are done.
    press("start_button");
    QVERIFY(find<QAbstractButton>("message_train_on")->text().contains(QStringLiteral("3 epochs")));
}

void WindowFilesTest::every_data_set_shows_its_options() {
    for (const DatasetInfo& info : dataset_registry()) {
        ExperimentConfig config;
        config.dataset = info.name;
        config.data = info.needs_path() ? "somewhere" : "";
        window_->set_config(config);
        QVERIFY(!find<QWidget>("field_data")->isHidden() == info.needs_path());
        const auto* form = find<QWidget>("form_data");
        for (const Field& field : info.schema)
            QVERIFY2(form->findChild<QWidget*>(QString::fromStdString("field_" + field.name)),
                     field.name.c_str());
        QVERIFY(window_->panel().config());
        QCOMPARE(window_->panel().config()->data, config.data);
        QCOMPARE(window_->panel().config()->dataset_options.size(), info.schema.size());
    }
}

void WindowFilesTest::text_is_trained_on() {
    QFile file(folder_.filePath(QStringLiteral("some.txt")));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(QByteArray("again and again, ").repeated(100));
    file.close();
    ExperimentConfig config;
    config.dataset = "text";
    config.data = file.fileName().toStdString();
    config.dataset_options = {{"context", 5}};
    config.model = "mlp";
    config.epochs = 2;
    window_->set_config(config);
    press("start_button");
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    const auto labels = window_->findChildren<QLabel*>();
    const auto says_bits = [&] {
        return std::ranges::any_of(labels, [](const QLabel* each) {
            return each->text().contains(QStringLiteral(" bits per character"));
        });
    };
    QTRY_VERIFY_WITH_TIMEOUT(says_bits(), kPatience_ms);

    const auto parameters = [this] { return find<QLineEdit>("parameter_count")->text(); };
    const QString count = parameters(), path = window_->session().output();
    QVERIFY(!count.isEmpty());
    open_window();
    QSignalSpy opened(&window_->session(), &RunSession::opened);
    window_->open_model(path);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatience_ms);
    QCOMPARE(parameters(), count);  // without reading the data again
}

void WindowFilesTest::damaged_file_is_an_error_message() {
    const QString path = folder_.filePath(QStringLiteral("damaged.h5"));
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("no model at all");
    file.close();
    window_->open_model(path);
    QTRY_VERIFY_WITH_TIMEOUT(!window_->messages().text().isEmpty(), kPatience_ms);
    press("message_close");
    QVERIFY(window_->messages().text().isEmpty());
}

void WindowFilesTest::files_are_dropped_compressed_and_remembered() {
    QSettings().remove(QStringLiteral("files/recent"));
    train_to_the_end(1);
    const QString run = window_->session().output();
    const CompressSession& compressed = window_->compression_page().session();
    find<QAction>("action_compress")->trigger();
    QTRY_COMPARE_WITH_TIMEOUT(compressed.path(), run, kPatience_ms);

    const auto drop = [this](const QString& path) {
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(path)});
        QDragEnterEvent enter({100, 100}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(window_.get(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent event({100, 100}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(window_.get(), &event);
    };
    // On the Compression page a file is compressed, and the run stays on show; elsewhere it is shown.
    const QString copy = folder_.filePath(QStringLiteral("copy.h5"));
    QVERIFY(QFile::copy(run, copy));
    drop(copy);
    QTRY_COMPARE_WITH_TIMEOUT(compressed.path(), copy, kPatience_ms);
    QCOMPARE(window_->session().output(), run);
    window_->show_page(MainWindow::Page::training);
    drop(copy);
    QTRY_COMPARE_WITH_TIMEOUT(window_->session().output(), copy, kPatience_ms);

    window_->show_page(MainWindow::Page::compression);
    const QString broken = folder_.filePath(QStringLiteral("dropped.h5"));
    QVERIFY(QFile(broken).open(QIODevice::WriteOnly));
    drop(broken);
    QTRY_VERIFY_WITH_TIMEOUT(window_->messages().text().contains(QStringLiteral("dropped.h5")), kPatience_ms);
    QCOMPARE(compressed.path(), copy);

    // What is opened there while nothing is on show goes on show as well.
    open_window(MainWindow::Page::compression);
    const CompressSession& again = window_->compression_page().session();
    window_->open_file(copy);
    QTRY_COMPARE_WITH_TIMEOUT(window_->session().output(), copy, kPatience_ms);
    QCOMPARE(again.path(), copy);
    QCOMPARE(window_->panel().config()->dataset, std::string("tones"));

    auto* recent = find<QMenu>("menu_recent");
    Q_EMIT recent->aboutToShow();
    QCOMPARE(recent->actions().size(), 2);
    QCOMPARE(recent->actions().front()->text(), QStringLiteral("copy.h5"));
    recent->actions().back()->trigger();
    QTRY_COMPARE_WITH_TIMEOUT(again.path(), run, kPatience_ms);
    QVERIFY(window_->messages().text().isEmpty());
}

void WindowFilesTest::closing_waits_for_the_checkpoint() {
    start_and_see_points();
    const QString output = window_->session().output();
    window_->close();
    QVERIFY(window_->isVisible());
    QVERIFY(!window_->messages().text().isEmpty());
    QTRY_VERIFY_WITH_TIMEOUT(!window_->isVisible(), kPatience_ms);
    QVERIFY(read_model_file(output.toStdString()).checkpoint.has_value());
}

/// The folder that the run writes to is gone: closing must not hide that nothing was saved.
void WindowFilesTest::closing_stays_when_saving_fails() {
    start_and_see_points();
    window_->session().pause();  // or its checkpoints come while the folder goes
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().paused(), kPatience_ms);
    const QString runs = QFileInfo(window_->session().output()).absolutePath();
    QVERIFY(QDir(runs).removeRecursively());
    window_->close();
    QTRY_VERIFY_WITH_TIMEOUT(!window_->session().active(), kPatience_ms);
    QVERIFY(window_->isVisible());
    QVERIFY(window_->messages().text().contains(runs));
}

}  // namespace
}  // namespace spectral::ui

using spectral::ui::WindowFilesTest;
QTEST_MAIN(WindowFilesTest)
#include "window_files_test.moc"
