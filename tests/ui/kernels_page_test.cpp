// The Kernels page on its own: timings of a run, timeline, comparison of levels, exports.
#include "ui/panels/kernels_page.hpp"

#include <QAbstractButton>
#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <memory>

#include "engine/train/trainer.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/timeline_view.hpp"
#include "ui/models/level_table_model.hpp"
#include "ui/models/op_table_model.hpp"

namespace spectral::ui {
namespace {

constexpr int kPatience_ms = 200000, kLongerThanAMeasurement_ms = 1500;

class KernelsPageTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { qputenv("XDG_CACHE_HOME", cache_.path().toUtf8()); }
    void init();
    void cleanup();
    void says_what_will_appear();
    void shows_every_operation_of_a_run();
    void timing_is_stopped_and_reset();
    void timeline_is_zoomed_moved_and_followed();
    void levels_are_compared();
    void comparison_is_cancelled();
    void wrong_sizes_are_a_message();
    void ceiling_is_measured_when_the_run_is_over();

private:
    void train(int steps);
    int rows() const { return page_->operations()->model()->rowCount(); }
    QString cell(int row, int column) const {
        const QAbstractItemModel* model = page_->operations()->model();
        return model->index(row, column).data().toString();
    }
    template <class Widget>
    Widget* find(const char* name) const {
        return page_->findChild<Widget*>(QLatin1String(name));
    }

    QTemporaryDir cache_;
    std::shared_ptr<Profiler> profiler_;
    std::unique_ptr<Trainer> trainer_;
    std::unique_ptr<KernelsPage> page_;
};

void KernelsPageTest::init() {
    profiler_ = std::make_shared<Profiler>();
    page_ = std::make_unique<KernelsPage>(*profiler_);
    page_->resize(960, 680);
    page_->show();
    QVERIFY(QTest::qWaitForWindowExposed(page_.get()));
    ExperimentConfig config;
    config.dataset = "tones";
    config.dataset_options = {{"train_samples", 500}, {"test_samples", 100}, {"length", 64}};
    config.batch = 50;
    config.epochs = 1000;
    trainer_ =
        std::make_unique<Trainer>(resolved(config), std::make_shared<Workspace>(), Progress(), profiler_);
}

void KernelsPageTest::cleanup() {
    trainer_.reset();
    page_.reset();
}

void KernelsPageTest::train(int steps) {
    for (int i = 0; i < steps; ++i) trainer_->step();
    profiler_->collect();
    page_->refresh(true);
}

void KernelsPageTest::says_what_will_appear() {
    QVERIFY(find<QLabel>("kernels_empty")->isVisible());
    QVERIFY(find<QLabel>("levels_empty")->isVisible());
    train(3);
    QVERIFY(!find<QLabel>("kernels_empty")->isVisible());
}

void KernelsPageTest::shows_every_operation_of_a_run() {
    train(20);
    QVERIFY(rows() >= 3);
    QStringList names;
    for (int row = 0; row < rows(); ++row) names << cell(row, OpTableModel::kOperation);
    QVERIFY(names.contains(QStringLiteral("purefft_step")));
    QVERIFY(names.contains(QStringLiteral("adam")));
    const auto row = static_cast<int>(names.indexOf(QStringLiteral("purefft_step")));
    QCOMPARE(cell(row, OpTableModel::kCalls), QStringLiteral("20"));
    QVERIFY(cell(row, OpTableModel::kShare).endsWith(QLatin1Char('%')));
    for (int column = 0; column < OpTableModel::kColumns; ++column) {
        const QAbstractItemModel* model = page_->operations()->model();
        QVERIFY(!model->headerData(column, Qt::Horizontal).toString().isEmpty());
        QVERIFY(!model->headerData(column, Qt::Horizontal, Qt::ToolTipRole).toString().isEmpty());
    }
    // Sorted by total time; another column sorts by its numbers, not by their text.
    page_->operations()->sortByColumn(OpTableModel::kCalls, Qt::DescendingOrder);
    double before = 1e300;
    for (int i = 0; i < rows(); ++i) {
        const double calls = page_->operations()
                                 ->model()
                                 ->index(i, OpTableModel::kCalls)
                                 .data(OpTableModel::kValueRole)
                                 .toDouble();
        QVERIFY(calls <= before);
        before = calls;
    }
    train(20);
    names.clear();
    for (int i = 0; i < rows(); ++i) names << cell(i, OpTableModel::kOperation);
    QCOMPARE(cell(static_cast<int>(names.indexOf(QStringLiteral("purefft_step"))), OpTableModel::kCalls),
             QStringLiteral("40"));
    QTRY_VERIFY_WITH_TIMEOUT(!find<LineChart>("roofline_chart")->drawn_points(1).isEmpty(), kPatience_ms);
}

void KernelsPageTest::timing_is_stopped_and_reset() {
    train(5);
    QVERIFY(rows() > 0);
    QTest::mouseClick(find<QAbstractButton>("operations_card_timing"), Qt::LeftButton);
    QVERIFY(!profiler_->started());
    QTest::mouseClick(find<QAbstractButton>("operations_card_reset"), Qt::LeftButton);
    QCOMPARE(rows(), 0);
    train(5);
    QCOMPARE(rows(), 0);
    QTest::mouseClick(find<QAbstractButton>("operations_card_timing"), Qt::LeftButton);
    train(5);
    QVERIFY(rows() > 0);
}

void KernelsPageTest::timeline_is_zoomed_moved_and_followed() {
    train(40);
    TimelineView* timeline = page_->timeline();
    QVERIFY(timeline->following());
    const std::size_t spans = timeline->spans().size();
    QVERIFY(spans >= 40);
    const std::int64_t before = timeline->visible_ns();
    timeline->setFocus();
    QTest::keyClick(timeline, Qt::Key_Plus);
    QVERIFY(!timeline->following());
    QVERIFY(timeline->visible_ns() < before);
    QTest::keyClick(timeline, Qt::Key_Left);
    train(10);  // what is looked at stands still
    QCOMPARE(timeline->spans().size(), spans);
    QTest::keyClick(timeline, Qt::Key_Home);
    QVERIFY(timeline->following());
    QVERIFY(timeline->spans().size() > spans);
    for (int i = 0; i < 200; ++i) QTest::keyClick(timeline, Qt::Key_Minus);
    QVERIFY(timeline->visible_ns() > 0);
}

void KernelsPageTest::levels_are_compared() {
    find<QComboBox>("level_op")->setCurrentText(QStringLiteral("matmul"));
    QCOMPARE(find<QLineEdit>("level_sizes")->text(), QStringLiteral("m=256 n=256 k=784"));
    find<QLineEdit>("level_sizes")->setText(QStringLiteral("m=32 n=16 k=24"));
    QTest::mouseClick(find<QAbstractButton>("level_compare"), Qt::LeftButton);
    QVERIFY(page_->comparing());
    QTRY_VERIFY_WITH_TIMEOUT(!page_->comparing(), kPatience_ms);
    const QAbstractItemModel* model = page_->levels()->model();
    QVERIFY(model->rowCount() >= 2);
    QCOMPARE(model->index(0, LevelTableModel::kLevel).data().toString(), QStringLiteral("1 reference"));
    QCOMPARE(model->index(0, LevelTableModel::kSpeedUp).data().toString(), QStringLiteral("1 ×"));
    QVERIFY(!model->index(1, LevelTableModel::kChange).data().toString().isEmpty());
    const QString csv = qobject_cast<const LevelTableModel*>(model)->to_csv();
    QCOMPARE(csv.count(QLatin1Char('\n')), model->rowCount() + 1);
}

void KernelsPageTest::comparison_is_cancelled() {
    QSignalSpy problems(page_.get(), &KernelsPage::problem);
    find<QComboBox>("level_op")->setCurrentText(QStringLiteral("purefft_step"));
    find<QLineEdit>("level_sizes")->setText(QStringLiteral("batch=2048"));
    auto* button = find<QAbstractButton>("level_compare");
    QTest::mouseClick(button, Qt::LeftButton);
    QCOMPARE(button->text(), QStringLiteral("Cancel"));
    QTest::mouseClick(button, Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->comparing(), kPatience_ms);
    QCOMPARE(button->text(), QStringLiteral("Compare"));
    QCOMPARE(problems.count(), 0);
}

void KernelsPageTest::wrong_sizes_are_a_message() {
    QSignalSpy problems(page_.get(), &KernelsPage::problem);
    for (const char* text : {"batch", "batch=many", "nothing=3", "batch=0", "batch=99999999999"}) {
        problems.clear();
        find<QLineEdit>("level_sizes")->setText(QLatin1String(text));
        QTest::mouseClick(find<QAbstractButton>("level_compare"), Qt::LeftButton);
        QTRY_VERIFY2_WITH_TIMEOUT(problems.count() == 1, text, kPatience_ms);
        QVERIFY(!page_->comparing());
        QCOMPARE(find<QAbstractButton>("level_compare")->text(), QStringLiteral("Compare"));
    }
}

void KernelsPageTest::ceiling_is_measured_when_the_run_is_over() {
    const QTemporaryDir empty;
    const QByteArray before = qgetenv("XDG_CACHE_HOME");
    qputenv("XDG_CACHE_HOME", empty.path().toUtf8());
    KernelsPage page(*profiler_);
    page.refresh(true);
    page.show();
    QVERIFY(QTest::qWaitForWindowExposed(&page));
    const auto measured = [&] {
        return page.findChild<QLabel*>(QStringLiteral("roofline_card_subtitle"))
            ->text()
            .startsWith(QStringLiteral("measured"));
    };
    QTest::qWait(kLongerThanAMeasurement_ms);
    QVERIFY(!measured());
    page.refresh(false);
    QTRY_VERIFY_WITH_TIMEOUT(measured(), kPatience_ms);
    qputenv("XDG_CACHE_HOME", before);
}

}  // namespace
}  // namespace spectral::ui

using spectral::ui::KernelsPageTest;
QTEST_MAIN(KernelsPageTest)
#include "kernels_page_test.moc"
