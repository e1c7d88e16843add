// The Compression page in the window where its work fails or is cancelled: memory that is short, data that
// are not waited for, a comparison that never began.
#include <QAbstractButton>
#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTableView>
#include <vector>

#include "engine/io/model_file.hpp"
#include "engine/train/run.hpp"
#include "tests/ui/window_fixture.hpp"
#include "ui/models/holder_table_model.hpp"
#include "ui/panels/compression_page.hpp"
#include "ui/panels/memory_page.hpp"
#include "ui/panels/message_bar.hpp"

namespace spectral::ui {
namespace {

class CompressionLimitsTest : public QObject, protected WindowFixture {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init() { open_window(MainWindow::Page::compression); }
    void cleanup() { close_window(); }
    void limit_holds_for_fine_tuning();
    void result_that_cannot_be_judged_is_a_result();
    void data_that_do_not_fit_are_asked_for_again();
    void loading_of_data_is_cancelled();
    void comparison_is_cancelled_before_it_begins();

private:
    CompressionPage& page() { return window_->compression_page(); }
    CompressSession& session() { return page().session(); }
    QString text(const char* name) { return find<QLabel>(name)->text(); }
    void set_limit(int mib) { window_->memory_page().limit()->setValue(mib); }
    void set_ratio(double ratio) { find<QDoubleSpinBox>("budget_ratio")->setValue(ratio); }
    bool message_names_the_limit() {
        return window_->messages().text().contains(QStringLiteral("limit in use"));
    }
    void open(const QString& path) {
        QSignalSpy opened(&page(), &CompressionPage::opened);
        page().open(path);
        QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatience_ms);
    }
    void open_and_wait(const QString& path) {
        open(path);
        QTRY_VERIFY_WITH_TIMEOUT(!session().packing() && !session().judging(), kPatience_ms);
        QVERIFY2(session().accuracy(), qPrintable(text("budget_status")));
    }

    QString model_;
};

void CompressionLimitsTest::initTestCase() {
    use_own_settings();
    ExperimentConfig config;
    config.dataset = "tones";
    // More than a mebibyte, the smallest limit.
    config.dataset_options = {{"train_samples", 8192}, {"test_samples", 128}, {"length", 64}, {"classes", 4}};
    config.model = "mlp";
    config.features = "raw";
    config.model_options = {{"hidden", 512}};
    config.batch = 128;
    config.epochs = 1;
    model_ = folder_.filePath(QStringLiteral("model.h5"));
    RunOptions options;
    options.out = model_.toStdString();
    TrainingRun run(resolved(config), options);
    QVERIFY2(run.result().state == RunState::finished, run.result().error.c_str());
}

void CompressionLimitsTest::limit_holds_for_fine_tuning() {
    open_and_wait(model_);
    window_->show_page(MainWindow::Page::memory);
    const QAbstractItemModel& holders = *window_->memory_page().holders()->model();
    bool features = false;
    for (int row = 0; row < holders.rowCount(); ++row)
        features = features || holders.index(row, 0).data().toString() == QStringLiteral("test features");
    QVERIFY2(features, "the page does not show what judging holds");
    window_->show_page(MainWindow::Page::compression);
    const CompressSession::Result before = session().result();
    const QString accuracy = text("budget_accuracy");
    QSignalSpy ended(&session(), &CompressSession::fineTuningEnded);
    set_limit(1);
    press("budget_fine_tune");
    QTRY_COMPARE_WITH_TIMEOUT(ended.count(), 1, kPatience_ms);
    QVERIFY2(message_names_the_limit(), qPrintable(window_->messages().text()));
    QVERIFY(window_->isVisible());
    QCOMPARE(session().result(), before);
    QCOMPARE(text("budget_accuracy"), accuracy);
    QVERIFY(find<QAbstractButton>("budget_export")->isEnabled());
    QVERIFY(find<QAbstractButton>("budget_fine_tune")->isEnabled());
    set_limit(256);
    press("budget_fine_tune");
    QTRY_COMPARE_WITH_TIMEOUT(ended.count(), 2, kPatience_ms);
    QCOMPARE(session().tuned_epochs(), 2);
    QVERIFY(session().result() != before);
    QVERIFY(text("budget_accuracy").contains(QStringLiteral("→")));
    QCOMPARE(window_->memory_page().limit()->value(), 256);
}

void CompressionLimitsTest::result_that_cannot_be_judged_is_a_result() {
    open_and_wait(model_);
    auto* method = find<QComboBox>("budget_method");
    set_ratio(2);
    method->setCurrentIndex(method->findData(QStringLiteral("int8")));  // packed without the budget's memory
    QTRY_VERIFY_WITH_TIMEOUT(!session().packing() && !session().judging(), kPatience_ms);
    QVERIFY(text("budget_accuracy").contains(QStringLiteral("→")));
    const CompressSession::Result before = session().result();
    set_limit(1);
    set_ratio(2.5);
    QTRY_VERIFY_WITH_TIMEOUT(message_names_the_limit(), kPatience_ms);
    QTRY_VERIFY_WITH_TIMEOUT(!session().packing() && !session().judging(), kPatience_ms);
    QVERIFY(session().result() && session().result() != before);
    QCOMPARE(text("budget_accuracy"), QStringLiteral("–"));
    QVERIFY(find<QAbstractButton>("budget_export")->isEnabled());
    QVERIFY(find<QAbstractButton>("budget_fine_tune")->isEnabled());
    set_limit(0);
    set_ratio(3);
    QTRY_VERIFY_WITH_TIMEOUT(!session().packing() && !session().judging(), kPatience_ms);
    QVERIFY(text("budget_accuracy").contains(QStringLiteral("→")));
}

void CompressionLimitsTest::data_that_do_not_fit_are_asked_for_again() {
    set_limit(1);
    open(model_);
    QTRY_VERIFY_WITH_TIMEOUT(!session().packing(), kPatience_ms);
    QVERIFY2(text("budget_status").contains(QStringLiteral("limit in use")),
             qPrintable(text("budget_status")));
    QVERIFY(!session().result());
    set_limit(0);
    set_ratio(4);
    QTRY_VERIFY_WITH_TIMEOUT(session().accuracy().has_value(), kPatience_ms);
    QVERIFY(text("budget_status").isEmpty());
    QTRY_VERIFY_WITH_TIMEOUT(find<QAbstractButton>("budget_fine_tune")->isEnabled(), kPatience_ms);
}

void CompressionLimitsTest::loading_of_data_is_cancelled() {
    constexpr std::int64_t kMany = 1000000;
    ModelFile file = read_model_file(model_.toStdString());
    file.config["dataset_options"]["train_samples"] = kMany;
    const QString path = folder_.filePath(QStringLiteral("many.h5"));
    write_model_file(path.toStdString(), file);
    QStringList activities;
    connect(&session(), &CompressSession::packProgressed, this,
            [&](double, const QString& activity) { activities.append(activity); });
    open(path);
    const auto loading = [&] { return activities.contains(QStringLiteral("making training tones")); };
    QTRY_VERIFY_WITH_TIMEOUT(loading(), kPatience_ms);
    QVERIFY(session().packing());
    find<QCheckBox>("budget_data")->setChecked(false);
    QTRY_VERIFY_WITH_TIMEOUT(!session().packing(), kPatience_ms);
    QVERIFY(session().result() != nullptr);
    QCOMPARE(text("budget_accuracy"), QStringLiteral("–"));
    QVERIFY(window_->messages().text().isEmpty());
    QVERIFY(!activities.contains(QStringLiteral("making test tones")));
    window_->show_page(MainWindow::Page::memory);
    const QAbstractItemModel& holders = *window_->memory_page().holders()->model();
    for (int row = 0; row < holders.rowCount(); ++row)
        QVERIFY(holders.index(row, HolderTableModel::kKind).data().toString() != QStringLiteral("data"));
    // Asked for again they are loaded again, and the window does not wait for them when it closes.
    window_->show_page(MainWindow::Page::compression);
    activities.clear();
    find<QCheckBox>("budget_data")->setChecked(true);
    QTRY_VERIFY_WITH_TIMEOUT(loading(), kPatience_ms);
    session().disconnect(this);
    close_window();
    QVERIFY(!activities.contains(QStringLiteral("making test tones")));
}

void CompressionLimitsTest::comparison_is_cancelled_before_it_begins() {
    open_and_wait(model_);
    QSignalSpy ended(&session(), &CompressSession::comparisonEnded);
    std::vector<CompressSession::Curves> curves;
    connect(&session(), &CompressSession::curvesReady, this,
            [&](const std::string& name, const CompressSession::Curves& ready) {
                if (name.empty()) curves.push_back(ready);  // the others are the chosen tensor's
            });
    QSignalSpy progress(&session(), &CompressSession::comparisonProgressed);
    // The first keeps the thread busy while the second waits.
    session().compare_model(session().data_of_model());
    QTRY_VERIFY_WITH_TIMEOUT(progress.count() > 0, kPatience_ms);
    session().compare_model(session().data_of_model());
    session().cancel_comparison();
    QCOMPARE(ended.count(), 1);
    const qsizetype before = progress.count();
    session().compare_model(std::nullopt);  // after it, nothing of the others can come any more
    QTRY_COMPARE_WITH_TIMEOUT(ended.count(), 2, kPatience_ms);
    session().disconnect(this);
    QCOMPARE(curves.size(), std::size_t{1});
    for (const Curve& curve : *curves.front())
        for (const CurvePoint& point : curve.points) QVERIFY(!point.accuracy);
    QVERIFY(progress.count() > before);
    for (qsizetype i = before; i < progress.count(); ++i)
        QVERIFY(!progress[i].at(1).toString().startsWith(QStringLiteral("calibrating")));
}

}  // namespace
}  // namespace spectral::ui

using spectral::ui::CompressionLimitsTest;
QTEST_MAIN(CompressionLimitsTest)
#include "compression_limits_test.moc"
