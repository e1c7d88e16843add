// Where the charts end: zoom, wheel, empty axes, markers at the frame, readouts and ticks.
#include <QApplication>
#include <QImage>
#include <QLabel>
#include <QScrollArea>
#include <QScrollBar>
#include <QTest>
#include <QVBoxLayout>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>
#include <vector>

#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/plot_view.hpp"
#include "ui/charts/point_cloud.hpp"
#include "ui/charts/stacked_chart.hpp"
#include "ui/charts/ticks.hpp"
#include "ui/charts/timeline_view.hpp"

using namespace spectral::ui;

namespace {

constexpr int kNotch = 120;

/// Whether the view, or what it is in, took the turn.
bool turn_wheel(PlotView& view, int notches, Qt::KeyboardModifiers keys = Qt::NoModifier) {
    const QPointF centre = view.plot_area().center();
    const QPointF global = view.viewport()->mapToGlobal(centre);
    QWheelEvent wheel(centre, global, QPoint(), QPoint(0, notches * kNotch), Qt::NoButton, keys,
                      Qt::NoScrollPhase, false);
    QSpontaneKeyEvent::setSpontaneous(&wheel);  // else it does not go on to the parents
    qApp->notify(view.viewport(), &wheel);
    return wheel.isAccepted();
}

}  // namespace

class ChartsTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void zooming_out_ends_at_everything() {
        LineChart chart;
        chart.resize(400, 300);
        chart.add_series({.name = QStringLiteral("loss"), .markers = Markers::never});
        chart.set_series_data(0, {0.0, 10.0}, {0.0, 1.0});
        chart.show();
        chart.flush();
        const PlotScene before = chart.view()->scene_data();
        for (int i = 0; i < 15; ++i) {
            QVERIFY(!turn_wheel(*chart.view(), -1));
            chart.flush();
        }
        QVERIFY(!chart.is_zoomed());
        QCOMPARE(chart.view()->scene_data().x.low, before.x.low);
        QCOMPARE(chart.view()->scene_data().x.high, before.x.high);
        QCOMPARE(chart.view()->scene_data().y.high, before.y.high);

        QVERIFY(turn_wheel(*chart.view(), 2));
        chart.flush();
        QVERIFY(chart.is_zoomed());
        const AxisRange shown{chart.view()->scene_data().x.low, chart.view()->scene_data().x.high};
        // Moving ends there too, without changing how much is seen.
        for (int i = 0; i < 30; ++i) {
            QTest::keyClick(chart.view(), Qt::Key_Right);
            chart.flush();
        }
        QCOMPARE(chart.view()->scene_data().x.high, 10.0);
        QVERIFY(std::abs(chart.view()->scene_data().x.low - (10.0 - (shown.high - shown.low))) < 1e-9);
        QVERIFY(turn_wheel(*chart.view(), -1));
        chart.flush();
        QVERIFY(turn_wheel(*chart.view(), -5));
        chart.flush();
        QVERIFY(!chart.is_zoomed());
        QCOMPARE(chart.view()->scene_data().x.low, 0.0);
        QVERIFY(!turn_wheel(*chart.view(), -1));
    }

    void wheel_scrolls_the_page_where_it_changes_no_chart() {
        QScrollArea area;
        auto* page = new QWidget;
        auto* column = new QVBoxLayout(page);
        auto* chart = new LineChart;
        chart->setFixedHeight(200);
        auto* below = new QLabel(QStringLiteral("below"));
        below->setFixedHeight(800);
        column->addWidget(chart);
        column->addWidget(below);
        area.setWidget(page);
        area.setWidgetResizable(true);
        area.resize(400, 300);
        area.show();
        QCoreApplication::processEvents();
        chart->flush();
        turn_wheel(*chart->view(), -1);
        QVERIFY(area.verticalScrollBar()->value() > 0);
    }

    void empty_chart_has_no_numbers_and_does_not_zoom() {
        LineChart chart;
        chart.resize(400, 300);
        chart.set_axis_titles({QStringLiteral("epoch")}, {QStringLiteral("loss")});
        chart.set_empty_text(QStringLiteral("Nothing yet"));
        chart.add_series({.name = QStringLiteral("loss"), .markers = Markers::never});
        chart.show();
        chart.flush();
        QVERIFY(chart.view()->x_ticks().empty());
        QVERIFY(chart.view()->y_ticks().empty());
        for (const int notches : {-15, 15}) {
            QVERIFY(!turn_wheel(*chart.view(), notches));
            chart.flush();
        }
        QTest::keyClick(chart.view(), Qt::Key_Plus);
        chart.set_series_data(0, {0.0, 2.0}, {3.0, 4.0});
        chart.flush();
        QVERIFY(!chart.is_zoomed());
        QCOMPARE(chart.view()->scene_data().x.high, 2.0);
        QVERIFY(!chart.view()->x_ticks().empty());
        // Another run: its first data are seen whole, whatever was looked at before.
        QVERIFY(turn_wheel(*chart.view(), 3));
        chart.set_series_data(0, {}, {});
        chart.flush();
        chart.set_series_data(0, {0.0, 7.0}, {3.0, 4.0});
        chart.flush();
        QCOMPARE(chart.view()->scene_data().x.high, 7.0);

        QWidget page;
        StackedChart stacked(&page);
        stacked.resize(400, 300);
        stacked.set_empty_text(QStringLiteral("Nothing yet"));
        stacked.set_bands({{QStringLiteral("weights"), 0}});
        page.show();
        QVERIFY(stacked.y_ticks().empty());
        QVERIFY(!turn_wheel(stacked, 1));
        stacked.set_data({.xs = {0, 1}, .values = {{1, 2}}, .end = 2});
        QVERIFY(!stacked.y_ticks().empty());
        QVERIFY(!turn_wheel(stacked, -1));
        QVERIFY(turn_wheel(stacked, 1));
    }

    void stacked_chart_zooms_in_time_alone_and_not_without_end() {
        QWidget page;
        StackedChart chart(&page);
        chart.resize(400, 300);
        chart.set_axis_titles({QStringLiteral("time"), QStringLiteral("s")}, {{}, QStringLiteral("MiB")});
        chart.set_bands({{QStringLiteral("weights"), 0}});
        chart.set_data({.xs = {0, 1}, .values = {{1, 2}}, .end = 4});
        page.show();
        QVERIFY(!turn_wheel(chart, 1, Qt::ControlModifier));
        QVERIFY(!chart.zoomed());
        int turns = 0;
        while (turns < 200 && turn_wheel(chart, 1)) ++turns;
        QVERIFY(turns > 10 && turns < 100);
        const PlotAxis& time = chart.scene_data().x;
        QVERIFY(time.high - time.low >= time.least);
        chart.show_everything();
        QVERIFY(!chart.zoomed());
        QTest::mouseMove(chart.viewport(), chart.plot_area().center().toPoint());
        QTRY_VERIFY(!chart.readout().rows.isEmpty());
        QCOMPARE(chart.readout().rows.back().value, QStringLiteral("2 MiB"));
        QVERIFY(chart.readout().heading.startsWith(QStringLiteral("time ")));
        QVERIFY(chart.readout().heading.endsWith(QStringLiteral(" s")));
    }

    void clouds_and_timelines_hand_the_wheel_on() {
        QWidget page;
        PointCloud cloud(&page);
        cloud.resize(300, 200);
        TimelineView timeline(&page);
        timeline.resize(300, 100);
        page.show();
        const auto turn = [](QWidget& widget, int notches) {
            const QPointF centre = widget.rect().center();
            QWheelEvent wheel(centre, widget.mapToGlobal(centre), QPoint(), QPoint(0, notches * kNotch),
                              Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase, false);
            QApplication::sendEvent(&widget, &wheel);
            return wheel.isAccepted();
        };
        QVERIFY(!turn(cloud, 1));
        QVERIFY(!turn(timeline, 1));
        cloud.set_points({{0, 0, 0, 0}, {1, 1, 0, 1}});
        timeline.set_data({{QStringLiteral("lane"), 0}},
                          {{0, 0, 1'000'000, 1}, {0, 2'000'000, 1'000'000, 2}});
        for (const bool space : {false, true}) {
            cloud.set_space(space);
            QVERIFY(!turn(cloud, -1));
            QVERIFY(turn(cloud, 2));
            QVERIFY(turn(cloud, -5));
            QVERIFY(!turn(cloud, -1));
        }
        QVERIFY(!turn(timeline, -1));
        QVERIFY(timeline.following());
        QVERIFY(turn(timeline, 2));
        QVERIFY(turn(timeline, -5));
        QVERIFY(!turn(timeline, -1));
        QCOMPARE(timeline.visible_ns(), std::int64_t{3'000'000});
    }

    void markers_stand_clear_of_the_frame() {
        LineChart chart;
        chart.resize(400, 300);
        chart.set_y_limits(0.0, 1.0);
        chart.add_series({.name = QStringLiteral("test"), .markers = Markers::always});
        chart.show();
        for (const std::vector<double>& ys : {std::vector{0.0, 0.5, 1.0}, std::vector{1.0}}) {
            std::vector<double> xs;
            for (std::size_t i = 0; i < ys.size(); ++i) xs.push_back(static_cast<double>(i + 1));
            chart.set_series_data(0, xs, ys);
            chart.flush();
            const QRectF inside = chart.view()->plot_area().adjusted(3.0, 3.0, -3.0, -3.0);
            for (std::size_t i = 0; i < ys.size(); ++i)
                QVERIFY(inside.contains(chart.view()->to_pixels({xs[i], ys[i]})));
        }
    }

    void readout_holds_the_points_at_that_place() {
        LineChart chart;
        chart.resize(400, 300);
        chart.set_axis_titles({QStringLiteral("queries, of a tile")},
                              {QStringLiteral("time"), QStringLiteral("ms")});
        chart.set_log_x(true, 2);
        chart.add_series({.name = QStringLiteral("64 keys"), .markers = Markers::always});
        chart.add_series({.name = QStringLiteral("chosen"), .markers = Markers::always});
        chart.set_series_data(0, {256.0, 512.0}, {3.5, 2.894});
        chart.set_series_data(1, {512.0}, {2.894});
        chart.show();
        chart.flush();
        const Readout first = chart.readout_at(std::log10(250.0));
        QCOMPARE(first.heading, QStringLiteral("queries, of a tile 256"));
        QCOMPARE(first.rows.size(), 1);
        QCOMPARE(first.rows.front().value, QStringLiteral("3.5 ms"));
        QCOMPARE(chart.readout_at(std::log10(500.0)).rows.size(), 2);
    }

    void readout_of_a_line_does_not_name_distant_points() {
        LineChart chart;
        chart.resize(400, 300);
        chart.add_series({.name = QStringLiteral("train"), .markers = Markers::never});
        chart.add_series({.name = QStringLiteral("test"), .markers = Markers::always});
        std::vector<double> xs, ys;
        for (int i = 0; i <= 1000; ++i) {
            xs.push_back(0.01 * i);
            ys.push_back(1.0);
        }
        chart.set_series_data(0, xs, ys);
        chart.set_series_data(1, {5.003}, {2.0});
        chart.show();
        chart.flush();
        QCOMPARE(chart.readout_at(2.0).rows.size(), 1);
        QCOMPARE(chart.readout_at(5.05).rows.size(), 2);  // within the reach of the marker
        QCOMPARE(chart.readout_at(5.05).heading, QStringLiteral("x 5.003"));
    }

    void ticks_of_base_two_are_its_powers() {
        const auto ticks = axis_ticks(std::log10(16.0), std::log10(512.0), true, 6, {}, 2);
        QStringList labels;
        for (const Tick& tick : ticks) labels.push_back(tick.label);
        QCOMPARE(labels.join(QLatin1Char(' ')), QStringLiteral("16 32 64 128 256 512"));
        QCOMPARE(axis_ticks(std::log10(16.0), std::log10(512.0), true, 3, {}, 2).size(), std::size_t{3});
        QVERIFY(axis_ticks(std::log10(100.0), std::log10(200.0), true, 5, {}, 2).size() >= 3);
    }

    void heat_map_gives_each_cell_its_pixels() {
        // +1 on the diagonal, strong −1 beside it: cells that had a pixel each were merged in pairs.
        constexpr int kCells = 128;
        std::vector<float> values(kCells * kCells);
        for (int row = 0; row < kCells; ++row)
            for (int column = 0; column < kCells; ++column)
                values[static_cast<std::size_t>(row * kCells + column)] = row == column        ? 1.0F
                                                                          : (row + column) % 2 ? -0.9F
                                                                                               : 0.0F;
        HeatMap map;
        map.set_colour_map(ColourMapKind::diverging);
        map.set_colour_bar_visible(false);
        map.resize(190, 190);
        map.set_data(kCells, kCells, values);
        const QImage image = map.grab().toImage();
        const ColourMap colours = ColourMap::for_current_theme(ColourMapKind::diverging);
        const QRectF area = map.matrix_area();
        const auto painted = [&](int row, int column) {
            return image.pixel(static_cast<int>(area.left() + (column + 0.5) * area.width() / kCells),
                               static_cast<int>(area.top() + (row + 0.5) * area.height() / kCells));
        };
        for (int cell = 4; cell + 4 < kCells; ++cell) {
            QCOMPARE(painted(cell, cell), colours.at(1.0, map.range()));
            QCOMPARE(painted(cell, cell + 1), colours.at(-0.9, map.range()));
            QCOMPARE(painted(cell, cell + 2), colours.at(0.0, map.range()));
        }
    }
};

QTEST_MAIN(ChartsTest)
#include "charts_test.moc"
