// The Memory page in the window: the chart grows with a run, the limit holds at once, plans are evicted, a
// run that finds no room says so and goes on.
#include "ui/panels/memory_page.hpp"

#include <QAbstractButton>
#include <QFile>
#include <QImage>
#include <QLabel>
#include <QProgressBar>
#include <QSpinBox>
#include <QTableView>
#include <QTest>
#include <algorithm>

#include "tests/ui/window_fixture.hpp"
#include "ui/charts/stacked_chart.hpp"
#include "ui/models/holder_table_model.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/live_text.hpp"
#include "ui/panels/message_bar.hpp"

namespace spectral::ui {
namespace {

class MemoryPageTest : public QObject, protected WindowFixture {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { use_own_settings(); }
    void init() { open_window(MainWindow::Page::memory); }
    void cleanup() { close_window(); }
    void columns_keep_a_peak_that_is_narrower_than_a_pixel();
    void chart_is_zoomed_and_follows_the_limit();
    void says_what_will_appear();
    void what_a_file_took_is_no_history();
    void grows_while_training();
    void hidden_page_does_nothing();
    void plans_are_evicted();
    void limit_holds_at_once_and_the_run_goes_on();
    void run_goes_on_in_smaller_batches();
    void comparison_without_room_says_so_and_ends();
    void run_that_is_over_stays_on_show();
    void everything_is_exported();

private:
    void give_limit(int mib);
    MemoryPage& page() { return window_->memory_page(); }
    const StackedChart::Data& shown() { return page().chart()->data(); }
    bool shortage_is_shown() {
        auto* choice = window_->findChild<QAbstractButton*>(QStringLiteral("message_go_on"));
        return choice != nullptr && choice->isVisible() && window_->session().paused();
    }
};

void MemoryPageTest::give_limit(int mib) {
    QSpinBox* limit = page().limit();
    limit->setFocus();
    limit->selectAll();
    QTest::keyClicks(limit, QString::number(mib));
    QTest::keyClick(limit, Qt::Key_Return);
    limit->clearFocus();
}

void MemoryPageTest::columns_keep_a_peak_that_is_narrower_than_a_pixel() {
    StackedChart chart;
    chart.resize(400, 200);
    chart.show();
    chart.set_bands({{QStringLiteral("low"), 0}, {QStringLiteral("high"), 1}});
    StackedChart::Data data;
    data.values.resize(2);
    for (int i = 0; i < 5000; ++i) {
        data.xs.push_back(i);
        data.values[0].push_back(2);
        data.values[1].push_back(i == 3333 ? 40 : i % 2);
    }
    data.end = 5000;
    chart.set_data(data);
    const std::vector<StackedChart::Column> columns = chart.columns();
    QVERIFY(!columns.empty());
    QVERIFY(columns.size() <= 400);
    double highest = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        highest = std::max(highest, columns[i].thicknesses[1]);
        QCOMPARE(columns[i].thicknesses[0], 2.0);
        if (i > 0) QCOMPARE(columns[i].left, columns[i - 1].right);
    }
    QCOMPARE(highest, 40.0);
    QCOMPARE(columns.back().right, chart.plot_area().right());
    QVERIFY(chart.scene_data().y.high >= 42);
}

void MemoryPageTest::chart_is_zoomed_and_follows_the_limit() {
    StackedChart chart;
    chart.resize(400, 200);
    chart.show();
    chart.set_bands({{QStringLiteral("only"), 0}, {QStringLiteral("never"), 1}});
    chart.set_empty_text(QStringLiteral("nothing yet"));
    QCOMPARE(chart.scene_data().message, QStringLiteral("nothing yet"));
    chart.set_data({{0, 1, 6}, {{10, 100, 30}, {0, 0, 0}}, 10});
    QVERIFY(chart.scene_data().message.isEmpty());
    QCOMPARE(chart.scene_data().legend.size(), std::size_t{1});
    chart.set_limit(200, QStringLiteral("limit"));
    QVERIFY(chart.limit_in_sight());
    QVERIFY(chart.scene_data().y.high > 200);
    chart.set_limit(100000, QStringLiteral("limit"));
    QVERIFY(!chart.limit_in_sight());
    QVERIFY(chart.scene_data().y.high < 200);
    for (int i = 0; i < 8; ++i) QTest::keyClick(&chart, Qt::Key_Plus);
    for (int i = 0; i < 80; ++i) QTest::keyClick(&chart, Qt::Key_Right);
    QVERIFY(chart.zoomed());
    QCOMPARE(chart.scene_data().x.high, 10.0);
    QVERIFY2(chart.scene_data().y.high < 100, "the y axis follows what is in sight");
    QTest::keyClick(&chart, Qt::Key_Home);
    QVERIFY(!chart.zoomed());
    chart.set_axis_titles({QStringLiteral("time"), QStringLiteral("s")}, {{}, QStringLiteral("MiB")});
    QCOMPARE(chart.to_csv(), QStringLiteral("\"time, s\",only (MiB),never (MiB)\n0,10,0\n1,100,0\n6,30,0\n"));
}

void MemoryPageTest::says_what_will_appear() {
    QVERIFY(!page().chart()->scene_data().message.isEmpty());
    QVERIFY(find<QLabel>("memory_holders_empty")->isVisible());
    QVERIFY(find<QLabel>("memory_plans_empty")->isVisible());
    QVERIFY(!find<QAbstractButton>("evict_plans")->isEnabled());
    QVERIFY(find<QLabel>("evict_note")->text().contains(QStringLiteral("No run")));
    QCOMPARE(page().limit()->text(), QStringLiteral("none"));
}

void MemoryPageTest::what_a_file_took_is_no_history() {
    MemoryBudget budget;
    MemoryPage alone(budget);
    alone.show();
    {
        const Reservation room = budget.reserve(MemoryTag::workspace, 1 << 20, "a file");
        alone.refresh(false);
        QVERIFY(alone.chart()->scene_data().message.isEmpty());  // held now, by whatever
    }
    alone.refresh(false);
    QVERIFY(!alone.chart()->scene_data().message.isEmpty());
    alone.start_over();
    { const Reservation room = budget.reserve(MemoryTag::data, 1 << 20, "data"); }
    alone.refresh(true);
    QVERIFY(alone.chart()->scene_data().message.isEmpty());
}

void MemoryPageTest::grows_while_training() {
    start_and_see_points();
    QTRY_VERIFY_WITH_TIMEOUT(shown().xs.size() > 3, kPatience_ms);
    const double end = shown().end;
    QTRY_VERIFY_WITH_TIMEOUT(shown().end > end + 0.2, kPatience_ms);
    QVERIFY(page().chart()->scene_data().message.isEmpty());
    QVERIFY(std::ranges::is_sorted(shown().xs));
    // Data are the first band and most of it all.
    QVERIFY(shown().values[0].back() > 1);
    const QAbstractItemModel* holders = page().holders()->model();
    QVERIFY(holders->rowCount() > 5);
    QVERIFY(holders->index(0, HolderTableModel::kKind).data().toString() == QStringLiteral("data"));
    double together = 0;
    for (int row = 0; row < holders->rowCount(); ++row)
        together +=
            holders->index(row, HolderTableModel::kShare).data(HolderTableModel::kValueRole).toDouble();
    QVERIFY(std::abs(together - 1) < 1e-9);
    QVERIFY(find<LiveText>("memory_current")->text().endsWith(QStringLiteral("iB")));
    QVERIFY(find<LiveText>("memory_peak")->text().endsWith(QStringLiteral("iB")));
}

void MemoryPageTest::hidden_page_does_nothing() {
    window_->show_page(MainWindow::Page::training);
    start_and_see_points();
    QTRY_VERIFY_WITH_TIMEOUT(points() > 200, kPatience_ms);
    QVERIFY(shown().xs.empty() || shown().values[0].back() == 0);
    QCOMPARE(page().holders()->model()->rowCount(), 0);
    QCOMPARE(page().plans()->model()->rowCount(), 0);
    window_->show_page(MainWindow::Page::memory);
    QVERIFY(shown().xs.size() > 3);
    QVERIFY(page().holders()->model()->rowCount() > 5);
    QVERIFY(page().plans()->model()->rowCount() > 0);
}

void MemoryPageTest::plans_are_evicted() {
    start_and_see_points();
    QTRY_VERIFY_WITH_TIMEOUT(page().plans()->model()->rowCount() > 0, kPatience_ms);
    QVERIFY(page().plans()->model()->index(0, 0).data().toString().contains(QStringLiteral("64")));
    QVERIFY(find<QAbstractButton>("evict_plans")->isEnabled());
    press("evict_plans");
    QTRY_COMPARE_WITH_TIMEOUT(page().plans()->model()->rowCount(), 0, kPatience_ms);
    QVERIFY(!find<QAbstractButton>("evict_plans")->isEnabled());
    QVERIFY(!find<QAbstractButton>("evict_plans")->toolTip().isEmpty());
    const std::int64_t before = last_step();
    QTRY_VERIFY_WITH_TIMEOUT(last_step() > before, kPatience_ms);
}

void MemoryPageTest::limit_holds_at_once_and_the_run_goes_on() {
    start_and_see_points();
    give_limit(500);
    QCOMPARE(window_->panel().config()->memory_mib, std::int64_t{500});
    QVERIFY(find<QLabel>("memory_limit_note")->text().contains(QStringLiteral("left")));
    give_limit(1);
    QVERIFY(find<QLabel>("memory_limit_note")->text().contains(QStringLiteral("Below")));
    QVERIFY(page().chart()->limit_in_sight());
    const auto* bar = find<QProgressBar>("status_memory_bar");
    QCOMPARE(bar->value(), bar->maximum());
    QTRY_VERIFY_WITH_TIMEOUT(shortage_is_shown(), kPatience_ms);
    QVERIFY(window_->messages().text().contains(QStringLiteral("limit in use")));
    const std::int64_t stands_at = last_step();
    press("message_go_on");  // nothing has changed: it stands again
    QTRY_VERIFY_WITH_TIMEOUT(shortage_is_shown(), kPatience_ms);
    QCOMPARE(last_step(), stands_at);
    give_limit(0);
    press("message_go_on");
    QTRY_VERIFY_WITH_TIMEOUT(last_step() > stands_at + 10, kPatience_ms);
    QVERIFY(window_->messages().text().isEmpty());
    QCOMPARE(window_->panel().config()->memory_mib, std::int64_t{0});
}

void MemoryPageTest::run_goes_on_in_smaller_batches() {
    start_and_see_points();
    give_limit(1);
    QTRY_VERIFY_WITH_TIMEOUT(shortage_is_shown(), kPatience_ms);
    const std::int64_t step = last_step();
    give_limit(0);
    press("message_smaller_batch");
    const auto in_smaller_batches = [&] {
        const auto& record = window_->session().record();
        return window_->session().active() && record.info() && record.info()->batch == 16 &&
               last_step() > step;
    };
    QTRY_VERIFY_WITH_TIMEOUT(in_smaller_batches(), kPatience_ms);
    QCOMPARE(window_->panel().config()->batch, std::int64_t{16});
    QVERIFY(window_->messages().text().isEmpty());
}

/// Nobody answers for it: it is not kept waiting for memory.
void MemoryPageTest::comparison_without_room_says_so_and_ends() {
    ExperimentConfig config = small_config(kEndless);
    config.dataset_options["train_samples"] = 100000;  // more than is done before the limit comes
    window_->set_config(config);
    press("measure_ceiling");
    QTRY_VERIFY_WITH_TIMEOUT(find<QProgressBar>("ceiling_progress")->value() > 0, kPatience_ms);
    give_limit(1);
    QTRY_VERIFY_WITH_TIMEOUT(!window_->panel().measuring(), kPatience_ms);
    QVERIFY(window_->messages().text().contains(QStringLiteral("not measured")));
    QVERIFY(window_->messages().text().contains(QStringLiteral("limit in use")));
    QVERIFY(!window_->panel().ceiling(config));
}

void MemoryPageTest::run_that_is_over_stays_on_show() {
    start_and_see_points(2);
    QTRY_VERIFY_WITH_TIMEOUT(!window_->session().active(), kPatience_ms);
    const double end = shown().end;
    QVERIFY(end > 0);
    QVERIFY(shown().xs.size() > 3);
    QCOMPARE(page().plans()->model()->rowCount(), 0);
    QVERIFY(!find<QAbstractButton>("evict_plans")->isEnabled());
    for (int row = 0; row < page().holders()->model()->rowCount(); ++row)
        QCOMPARE(page().holders()->model()->index(row, HolderTableModel::kKind).data().toString(),
                 QStringLiteral("data"));  // kept for the next run
    window_->show_page(MainWindow::Page::training);
    window_->show_page(MainWindow::Page::memory);
    QCOMPARE(shown().end, end);
}

void MemoryPageTest::everything_is_exported() {
    start_and_see_points();
    QTRY_VERIFY_WITH_TIMEOUT(shown().xs.size() > 3, kPatience_ms);
    StackedChart* chart = page().chart();
    const QString png = folder_.filePath(QStringLiteral("memory.png")),
                  svg = folder_.filePath(QStringLiteral("memory.svg")),
                  csv = folder_.filePath(QStringLiteral("memory.csv"));
    QVERIFY(chart->export_png(png));
    QVERIFY(chart->export_svg(svg));
    QVERIFY(chart->export_csv(csv));
    const QImage picture(png);
    QVERIFY(!picture.isNull());
    const QPointF bottom = chart->plot_area().center() + QPointF(0, chart->plot_area().height() / 2 - 4);
    QVERIFY(picture.pixelColor((2 * bottom).toPoint()) != picture.pixelColor(2, 2));
    QFile drawing(svg), table(csv);
    QVERIFY(drawing.open(QIODevice::ReadOnly));
    QVERIFY(drawing.readAll().contains("<svg"));
    QVERIFY(table.open(QIODevice::ReadOnly));
    QList<QByteArray> lines = table.readAll().trimmed().split('\n');
    QVERIFY(lines.front().startsWith("\"time since the start, s\","));
    lines.front().replace("start, s", "start");  // the one comma that is none between fields
    QCOMPARE(static_cast<std::size_t>(lines.size()), shown().xs.size() + 1);
    for (const QByteArray& line : lines) QCOMPARE(line.count(','), qsizetype{kMemoryTagCount});
    QVERIFY(!chart->export_csv(folder_.filePath(QStringLiteral("no/such/folder.csv"))));
}

}  // namespace
}  // namespace spectral::ui

using spectral::ui::MemoryPageTest;
QTEST_MAIN(MemoryPageTest)
#include "memory_page_test.moc"
