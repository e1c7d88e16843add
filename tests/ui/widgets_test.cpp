// The widgets that paint plain data: decimation, axes, colour maps, heat map, export and the theme switch.
#include <QAction>
#include <QApplication>
#include <QFile>
#include <QFileDialog>
#include <QImage>
#include <QLineEdit>
#include <QMessageBox>
#include <QMouseEvent>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>
#include <QToolButton>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ui/card.hpp"
#include "ui/charts/bar_strip.hpp"
#include "ui/charts/colour_map.hpp"
#include "ui/charts/decimate.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/image_grid.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/ticks.hpp"
#include "ui/icons.hpp"
#include "ui/save_dialog.hpp"
#include "ui/theme.hpp"

using namespace spectral::ui;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

QByteArray contents(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

/// Qt's own helper moves the real pointer, which an offscreen platform does not have.
void move_pointer(QWidget* widget, const QPointF& position) {
    QMouseEvent event(QEvent::MouseMove, position, widget->mapToGlobal(position), Qt::NoButton, Qt::NoButton,
                      Qt::NoModifier);
    QApplication::sendEvent(widget, &event);
}

}  // namespace

class WidgetsTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { apply_theme(*qApp, ThemeKind::dark); }

    void decimation_keeps_extremes_and_two_points_per_column() {
        constexpr int kPoints = 99'991;
        constexpr int kColumns = 317;
        std::vector<double> xs, ys;
        for (int i = 0; i < kPoints; ++i) {
            xs.push_back(i);
            ys.push_back(std::sin(i * 0.37) + (i == 40'009 ? 9.0 : 0.0) - (i == 40'010 ? 7.0 : 0.0));
        }
        const QList<QPointF> points = decimate_min_max(xs, ys, 0.0, kPoints - 1.0, kColumns);
        QVERIFY(points.contains(QPointF(40'009, ys[40'009])));
        QVERIFY(points.contains(QPointF(40'010, ys[40'010])));
        std::vector<int> in_column(kColumns, 0);
        for (qsizetype i = 0; i < points.size(); ++i) {
            const int column =
                std::min(static_cast<int>(points[i].x() / (kPoints - 1.0) * kColumns), kColumns - 1);
            ++in_column[static_cast<std::size_t>(column)];
            QVERIFY(i == 0 || points[i].x() > points[i - 1].x());
        }
        QVERIFY(*std::max_element(in_column.begin(), in_column.end()) <= 2);
    }

    void decimation_of_awkward_input() {
        QVERIFY(decimate_min_max({}, {}, 0.0, 1.0, 100).isEmpty());
        const std::vector<double> one{3.0};
        QCOMPARE(decimate_min_max(one, one, 0.0, 9.0, 100), QList<QPointF>{QPointF(3.0, 3.0)});
        QCOMPARE(decimate_min_max(one, one, 3.0, 3.0, 100), QList<QPointF>{QPointF(3.0, 3.0)});
        QVERIFY(decimate_min_max(one, one, 0.0, 9.0, 0).isEmpty());
        const std::vector<double> xs{0.0, 1.0, 2.0, kNan, 4.0};
        const std::vector<double> ys{1.0, kNan, std::numeric_limits<double>::infinity(), 4.0, 5.0};
        const QList<QPointF> expected{QPointF(0.0, 1.0), QPointF(4.0, 5.0)};
        QCOMPARE(decimate_min_max(xs, ys, 0.0, 4.0, 50), expected);
    }

    void decimation_adds_the_neighbours_of_a_zoomed_range() {
        const std::vector<double> xs{0.0, 1.0, 2.0, 3.0, 4.0, 5.0};
        const QList<QPointF> points = decimate_min_max(xs, xs, 1.5, 3.5, 50);
        QCOMPARE(points.size(), 4);
        QCOMPARE(points.front().x(), 1.0);
        QCOMPARE(points.back().x(), 4.0);
    }

    void ticks_are_round() {
        const auto ticks = axis_ticks(0.0, 12.0, false, 6);
        QCOMPARE(ticks.size(), std::size_t{7});
        QCOMPARE(ticks[3].label, QStringLiteral("6"));
        QCOMPARE(axis_ticks(0.0, 6e6, false, 3).back().label, QStringLiteral("6 M"));
        const auto decades = axis_ticks(-4.0, -1.0, true, 5);
        QCOMPARE(decades.size(), std::size_t{4});
        QCOMPARE(decades.front().label, QStringLiteral("1e-4"));
        QVERIFY(axis_ticks(std::log10(0.5), std::log10(2.0), true, 5).size() >= 3);
        // The epochs of a short run on a narrow chart: 2 alone would be all of them.
        QCOMPARE(axis_ticks(0.02, 3.0, false, 2).size(), std::size_t{3});
        QCOMPARE(axis_ticks(0.02, 3.0, false, 1).size(), std::size_t{1});
        QVERIFY(axis_ticks(1.0, 1.0, false, 5).empty());
        QVERIFY(axis_ticks(kNan, 1.0, false, 5).empty());
    }

    void log_axis_skips_what_has_no_logarithm() {
        LineChart chart;
        chart.resize(400, 300);
        const int series = chart.add_series({QStringLiteral("loss")});
        chart.set_series_data(series, {1.0, 2.0, 3.0, 4.0, 5.0}, {10.0, 0.0, -1.0, kNan, 0.01});
        chart.flush();
        QCOMPARE(chart.drawn_points(series).size(), 4);
        chart.set_log_y(true);
        chart.flush();
        const QList<QPointF> expected{QPointF(1.0, 1.0), QPointF(5.0, -2.0)};
        QCOMPARE(chart.drawn_points(series), expected);
        QVERIFY(chart.log_action()->isChecked());
        chart.set_series_data(series, {1.0}, {0.0});
        chart.flush();
        QVERIFY(chart.drawn_points(series).isEmpty());
    }

    void chart_smooths_flagged_series_only() {
        LineChart chart;
        chart.resize(400, 300);
        SeriesStyle style{QStringLiteral("train")};
        style.smoothed = true;
        const int train = chart.add_series(style);
        const int test = chart.add_series({QStringLiteral("test"), 1});
        chart.set_smoothing(0.5);
        chart.set_series_data(train, {0.0, 1.0}, {0.0, 3.0});
        chart.set_series_data(test, {0.0, 1.0}, {0.0, 3.0});
        chart.flush();
        // Weights 1/3 and 2/3 after the correction of the start.
        QCOMPARE(chart.drawn_points(train).back().y(), 2.0);
        QCOMPARE(chart.drawn_points(test).back().y(), 3.0);
    }

    void chart_zooms_and_returns() {
        LineChart chart;
        chart.resize(400, 300);
        const int series = chart.add_series({.name = QStringLiteral("loss"), .markers = Markers::never});
        chart.set_series_data(series, {0.0, 10.0}, {0.0, 1.0});
        chart.show();
        chart.flush();
        const QPointF centre = chart.view()->plot_area().center();
        QWheelEvent wheel(centre, centre, QPoint(), QPoint(0, 120), Qt::NoButton, Qt::NoModifier,
                          Qt::NoScrollPhase, false);
        QApplication::sendEvent(chart.view()->viewport(), &wheel);
        chart.flush();
        QVERIFY(chart.is_zoomed());
        QVERIFY(chart.view()->scene_data().x.high < 10.0);
        QTest::mouseDClick(chart.view()->viewport(), Qt::LeftButton, {}, centre.toPoint());
        chart.flush();
        QVERIFY(!chart.is_zoomed());
        QCOMPARE(chart.view()->scene_data().x.high, 10.0);
    }

    void chart_readout_is_the_nearest_value() {
        LineChart chart;
        chart.resize(400, 300);
        chart.set_axis_titles({QStringLiteral("epoch")}, {QStringLiteral("loss")});
        const int series = chart.add_series({QStringLiteral("test")});
        chart.set_series_data(series, {3.0, 1.0, 2.0}, {30.0, 10.0, 20.0});
        chart.show();
        chart.flush();
        QCOMPARE(chart.readout_at(2.2).rows.front().value, QStringLiteral("20"));
        QCOMPARE(chart.readout_at(2.2).heading, QStringLiteral("epoch 2"));
        move_pointer(chart.view()->viewport(), chart.view()->plot_area().center());
        QCOMPARE(chart.view()->readout().rows.size(), 1);
    }

    void chart_exports() {
        QTemporaryDir folder;
        LineChart chart;
        chart.resize(400, 300);
        chart.set_axis_titles({QStringLiteral("epoch")}, {QStringLiteral("loss"), QStringLiteral("nats")});
        const int series = chart.add_series({QStringLiteral("test, all")});
        chart.set_series_data(series, {1.0, 2.0}, {0.1, 0.25});
        QVERIFY(chart.export_csv(folder.filePath(QStringLiteral("c.csv"))));
        const QByteArray csv = contents(folder.filePath(QStringLiteral("c.csv")));
        QVERIFY(csv.startsWith("series,epoch,\"loss, nats\"\n\"test, all\",1,"));
        QVERIFY(chart.export_svg(folder.filePath(QStringLiteral("c.svg"))));
        QVERIFY(contents(folder.filePath(QStringLiteral("c.svg"))).contains("epoch"));
        QVERIFY(chart.export_png(folder.filePath(QStringLiteral("c.png"))));
        QCOMPARE(QImage(folder.filePath(QStringLiteral("c.png"))).size(), QSize(800, 600));
        QVERIFY(!chart.export_csv(folder.filePath(QStringLiteral("absent/c.csv"))));
    }

    void colour_map_ends() {
        const ColourMap viridis(ColourMapKind::viridis, Qt::black);
        QCOMPARE(viridis.at(0.0), qRgb(0x44, 0x01, 0x54));
        QCOMPARE(viridis.at(1.0), qRgb(0xfd, 0xe7, 0x25));
        QCOMPARE(viridis.at(-3.0), viridis.at(0.0));
        QCOMPARE(viridis.at(7.0), viridis.at(1.0));
        QCOMPARE(qAlpha(viridis.at(kNan)), 0);
        const ColourMap cyclic(ColourMapKind::cyclic, Qt::black);
        QCOMPARE(cyclic.at(0.0), cyclic.at(1.0));
        const QColor middle(0x1c, 0x21, 0x28);
        const ColourMap diverging(ColourMapKind::diverging, middle);
        QCOMPARE(diverging.at(0.0, ValueRange{-2.0, 2.0}), middle.rgb());
        QVERIFY(diverging.at(0.0) != diverging.at(1.0));
    }

    void value_ranges() {
        const std::vector<float> values{-1.0F, 4.0F, std::numeric_limits<float>::quiet_NaN()};
        QCOMPARE(value_range(ColourMapKind::diverging, values).low, -4.0);
        QCOMPARE(value_range(ColourMapKind::viridis, values).low, -1.0);
        QCOMPARE(value_range(ColourMapKind::viridis, values).high, 4.0);
        const ValueRange empty = value_range(ColourMapKind::magma, {});
        QVERIFY(empty.high > empty.low);
        const std::vector<float> constant{2.0F, 2.0F};
        const ValueRange flat = value_range(ColourMapKind::cividis, constant);
        QVERIFY(flat.low < 2.0 && flat.high > 2.0);
    }

    void markers_stand_clear_of_each_other() {
        LineChart chart;
        chart.resize(400, 240);
        chart.add_series({.name = QStringLiteral("test"), .markers = Markers::always});
        chart.show();
        for (const int count : {1, 5, 12, 300, 20'000}) {
            std::vector<double> xs, ys;
            for (int i = 0; i < count; ++i) {
                xs.push_back(i);
                ys.push_back(std::sin(i));
            }
            chart.set_series_data(0, xs, ys);
            chart.flush();
            const QList<QPointF> points = chart.view()->markers().at(0).points;
            const double pixel = count > 1 ? (count - 1) / chart.view()->plot_area().width() : 1;
            QVERIFY((count - 1.0 - points.back().x()) / pixel < 1);  // decimated to a pixel
            QVERIFY(count > 12 || points.size() == count);
            QVERIFY(count < 300 || points.size() > 20);
            for (qsizetype i = 1; i < points.size(); ++i)
                QVERIFY((points[i].x() - points[i - 1].x()) / pixel > 8);
        }
    }

    void heat_map_hover() {
        HeatMap map;
        map.resize(300, 200);
        map.set_data(2, 3, std::vector<float>{1, 2, 3, 4, 5, 6});
        map.show();
        const QRectF area = map.matrix_area();
        QSignalSpy hovered(&map, &HeatMap::cellHovered);
        move_pointer(&map, QPointF(area.left() + area.width() * 0.5, area.top() + area.height() * 0.75));
        QCOMPARE(hovered.count(), 1);
        QCOMPARE(hovered.front().at(0).toInt(), 1);
        QCOMPARE(hovered.front().at(1).toInt(), 1);
        QVERIFY(map.cell_text({1, 1}).endsWith(QStringLiteral(": 5")));
        map.set_formatter([](int row, int column, float) { return QString::number(10 * row + column); });
        QCOMPARE(map.cell_text({1, 2}), QStringLiteral("12"));
        QVERIFY(map.cell_text({2, 0}).isEmpty());
        QVERIFY(!map.cell_at(QPoint(-1, 4)));
        QTest::keyClick(&map, Qt::Key_Right);
        QCOMPARE(hovered.back().at(1).toInt(), 2);
    }

    /// Where cells are narrower than a pixel, the strongest of each block is what is painted, undiluted.
    void heat_map_shows_the_strongest_of_cells_too_small_to_see() {
        constexpr int kColumns = 599;
        std::vector<float> values(kColumns);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 == 0 ? 0.1F : -0.1F;
        values[300] = -1.0F;
        values[598] = 1.0F;
        HeatMap map;
        map.set_colour_map(ColourMapKind::diverging);
        map.set_colour_bar_visible(false);
        map.set_data(1, kColumns, values);
        const ColourMap colours = ColourMap::for_current_theme(ColourMapKind::diverging);
        const QRgb low = colours.at(-1.0, map.range()), high = colours.at(1.0, map.range());
        for (const int width : {200, 450, 599, 1500}) {
            map.resize(width, 40);
            const QImage picture = map.grab().toImage();
            int lows = 0, highs = 0;
            for (int x = 0; x < picture.width(); ++x) {
                lows += picture.pixel(x, 20) == low ? 1 : 0;
                highs += picture.pixel(x, 20) == high ? 1 : 0;
            }
            const QByteArray told = QByteArray::number(width) + ": " + QByteArray::number(lows) + ", " +
                                    QByteArray::number(highs);
            QVERIFY2(lows >= (width == kColumns ? 1 : 2) && lows <= 7, told.constData());
            QVERIFY2(highs >= 1 && highs <= 7, told.constData());  // the last block may be a part of one
        }
    }

    void heat_map_masks_cells() {
        HeatMap map;
        map.set_colour_bar_visible(false);
        map.set_range(ValueRange{0.0, 1.0});
        map.set_data(1, 2, std::vector<float>{1.0F, 1.0F});
        map.resize(200, 40);
        const QRgb full = ColourMap::for_current_theme(ColourMapKind::viridis).at(1.0);
        const auto at = [&map](int x) { return map.grab().toImage().pixel(x, 20); };
        QCOMPARE(at(150), full);
        map.set_mask(std::make_shared<const std::vector<std::uint8_t>>(std::vector<std::uint8_t>{1, 0}));
        QCOMPARE(at(50), full);
        QVERIFY(std::abs(qGray(at(150)) - qGray(Theme::current().surface.rgb())) < qGray(full) / 3);
        map.set_mask(std::make_shared<const std::vector<std::uint8_t>>(1));  // of another size
        QCOMPARE(at(150), full);
    }

    void heat_map_without_usable_data() {
        HeatMap map;
        map.resize(200, 100);
        map.set_data(2, 2, std::vector<float>{1.0F});
        QCOMPARE(map.rows(), 0);
        QVERIFY(!map.grab().isNull());
        map.set_data(1, 4001, std::vector<float>(4001, kNan));
        QVERIFY(!map.grab().isNull());
        QCOMPARE(map.columns(), 4001);
    }

    void heat_map_csv_round_trip() {
        QTemporaryDir folder;
        const QString path = folder.filePath(QStringLiteral("map.csv"));
        const std::vector<float> values{0.1F, -1e-30F, 16777217.0F, 1.0F / 3.0F};
        HeatMap map;
        map.set_data(2, 2, values);
        map.set_row_labels({QStringLiteral("a,b"), QStringLiteral("say \"c\"")});
        QVERIFY(map.export_csv(path));
        const QList<QByteArray> lines = contents(path).trimmed().split('\n');
        QCOMPARE(lines.size(), 3);
        QVERIFY(lines[1].startsWith("\"a,b\","));
        QVERIFY(lines[2].startsWith("\"say \"\"c\"\"\","));
        for (int i = 0; i < 4; ++i) {
            const QByteArray field = lines[1 + i / 2].split(',').at(
                i % 2 == 0 ? lines[1 + i / 2].count(',') - 1 : lines[1 + i / 2].count(','));
            QCOMPARE(field.toFloat(), values[static_cast<std::size_t>(i)]);
        }
        map.resize(200, 100);
        QVERIFY(map.export_png(folder.filePath(QStringLiteral("map.png"))));
        QCOMPARE(QImage(folder.filePath(QStringLiteral("map.png"))).width(), 400);
    }

    void bars_and_pictures_tell_what_is_under_the_pointer() {
        BarStrip strip;
        strip.resize(200, 60);
        strip.set_values({0.25F, 0.75F});
        QCOMPARE(strip.bar_at(QPoint(150, 30)), 1);
        QCOMPARE(strip.bar_text(1), QStringLiteral("1: 75.0 %"));
        QCOMPARE(strip.bar_at(QPoint(300, 30)), -1);

        ImageGrid grid;
        grid.resize(400, 100);
        std::vector<GridItem> items(5);
        for (GridItem& item : items) {
            item.height = item.width = 2;
            item.values = {0.0F, 1.0F, 1.0F, 0.0F};
        }
        items[4].values.clear();
        grid.set_items(items);
        QVERIFY(!grid.grab().isNull());
        QCOMPARE(grid.item_at(grid.picture_rect(3).center()), 3);
        QCOMPARE(grid.item_at(QPoint(-5, -5)), -1);
        GridItem red;
        red.height = red.width = 2;
        red.planes = 3;
        red.values = {2.0F, 2.0F, 2.0F, 2.0F, -1.0F, -1.0F, -1.0F, -1.0F, -1.0F, -1.0F, -1.0F, -1.0F};
        grid.set_items({red});
        const QRect place = grid.picture_rect(0);
        QCOMPARE(grid.grab().toImage().pixelColor(place.center()), QColor(255, 0, 0));
    }

    void card_actions_are_real_buttons() {
        Card card(QStringLiteral("card_loss"), QStringLiteral("Loss"));
        auto* chart = new LineChart;
        card.set_body(chart);
        int clicks = 0;
        QToolButton* next =
            card.add_action(QStringLiteral("next"), QStringLiteral("Other samples"), [&] { ++clicks; });
        const QToolButton* log = card.add_action(chart->log_action());
        QTest::keyClick(next, Qt::Key_Space);
        QCOMPARE(clicks, 1);
        for (const QToolButton* button : card.findChildren<QToolButton*>()) {
            QVERIFY(!button->toolTip().isEmpty());
            QVERIFY(!button->accessibleName().isEmpty());
            QVERIFY(button->objectName().startsWith(QStringLiteral("card_loss_")));
            QCOMPARE(button->focusPolicy(), Qt::StrongFocus);
        }
        QVERIFY(log->isCheckable());
    }

    void saving_asks_about_the_name_that_is_written() {
        QTemporaryDir folder;
        for (const char* name : {"taken.png", "taken.v2.png"}) {
            QFile file(folder.filePath(QLatin1String(name)));
            QVERIFY(file.open(QIODevice::WriteOnly));
        }
        const auto answer = [&folder](const QString& typed, QMessageBox::StandardButton button) {
            int questions = 0;
            QTimer watch;  // the dialogs run event loops of their own
            connect(&watch, &QTimer::timeout, &watch, [&, accepted = 0]() mutable {
                QWidget* modal = QApplication::activeModalWidget();
                if (auto* question = qobject_cast<QMessageBox*>(modal)) {
                    ++questions;
                    question->button(button)->click();
                } else if (auto* dialog = qobject_cast<QFileDialog*>(modal)) {
                    auto* name = dialog->findChild<QLineEdit*>();
                    if (accepted == 0) name->setText(typed);
                    // Once for the name, once more when the dialog comes back with the completed one.
                    if (++accepted > 2)
                        dialog->reject();
                    else
                        QMetaObject::invokeMethod(dialog, "accept",
                                                  Qt::QueuedConnection);  // a timer does not nest
                }
            });
            watch.start(10);
            const QString path = ask_where_to_save(nullptr, QStringLiteral("Save"), folder.filePath("a.png"),
                                                   QStringLiteral("PNG"), {QStringLiteral("png")});
            return std::pair(path, questions);
        };
        const QString none;
        QCOMPARE(answer(QStringLiteral("new"), QMessageBox::No), std::pair(folder.filePath("new.png"), 0));
        QCOMPARE(answer(QStringLiteral("new.v2"), QMessageBox::No),
                 std::pair(folder.filePath("new.v2.png"), 0));
        for (const char* typed : {"taken", "taken.png", "taken.v2"}) {
            const auto [kept, asked] = answer(QLatin1String(typed), QMessageBox::No);
            QCOMPARE(kept, none);
            QVERIFY2(asked > 0, typed);
        }
        QCOMPARE(answer(QStringLiteral("taken"), QMessageBox::Yes),
                 std::pair(folder.filePath("taken.png"), 1));
    }

    void theme_switch_restyles_live() {
        QSignalSpy changed(&ThemeNotifier::instance(), &ThemeNotifier::changed);
        HeatMap map;
        map.set_colour_map(ColourMapKind::diverging);
        map.resize(120, 80);
        map.set_colour_bar_visible(false);
        map.set_data(1, 1, std::vector<float>{0.0F});
        QCOMPARE(map.grab().toImage().pixelColor(60, 40), Theme::dark().surface);
        apply_theme(*qApp, ThemeKind::light);
        QCOMPARE(changed.count(), 1);
        QCOMPARE(Theme::current().kind, ThemeKind::light);
        QCOMPARE(map.grab().toImage().pixelColor(60, 40), Theme::light().surface);
        QVERIFY(!qApp->styleSheet().contains(QLatin1Char('@')));
        QVERIFY(!make_icon(QStringLiteral("sun-moon"), Qt::red).isNull());
        QVERIFY(make_icon(QStringLiteral("absent"), Qt::red).isNull());
        apply_theme(*qApp, ThemeKind::dark);
    }
};

QTEST_MAIN(WidgetsTest)
#include "widgets_test.moc"
