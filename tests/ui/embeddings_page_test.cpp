// The Embeddings page: what it shows without a model, of a run's embedding, and what its controls and keys
// do.
#include "ui/panels/embeddings_page.hpp"

#include <QAction>
#include <QComboBox>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSpinBox>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <numbers>

#include "tests/ui/controls.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/point_cloud.hpp"

namespace spectral::ui {

class EmbeddingsPageTest : public QObject {
    Q_OBJECT

    static constexpr int kPatience_ms = 200000;

    std::unique_ptr<EmbeddingsPage> page_;

    template <class Widget>
    Widget* find(const char* name) {
        auto* found = page_->findChild<Widget*>(QLatin1String(name));
        if (found == nullptr) qWarning("no %s on the page", name);
        return found;
    }

    void open_page() {
        page_ = std::make_unique<EmbeddingsPage>();
        page_->resize(1100, 900);
        page_->show();
        QVERIFY(QTest::qWaitForWindowExposed(page_.get()));
        wait();
    }
    void show_windings() {
        find<QComboBox>("vectors_source")->setCurrentIndex(2);
        wait();
    }
    void wait() { QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms); }

    static Updates with_embedding(std::int64_t step, HostTensor values) {
        auto snapshot = std::make_shared<PatternSnapshot>();
        snapshot->step = step;
        snapshot->matrices.push_back({"embedding", "tokens", "token", "dimension", std::move(values)});
        Updates updates;
        updates.patterns.push_back(std::move(snapshot));
        return updates;
    }

private Q_SLOTS:
    void init() { open_page(); }
    void cleanup() { page_.reset(); }

    void shows_encodings_without_a_model() {
        auto* golden = find<HeatMap>("golden_encoding_map");
        QCOMPARE(golden->rows(), 128);
        QCOMPARE(golden->columns(), 64);
        find<QSpinBox>("embeddings_width")->setValue(8);
        find<QSpinBox>("embeddings_positions")->setValue(5);
        wait();
        QCOMPARE(golden->rows(), 5);
        QCOMPARE(golden->columns(), 8);
        QCOMPARE(find<HeatMap>("position_similarity_map")->columns(), 5);
        const double value = std::sin(3 / std::pow(std::numbers::phi, 0.25));
        QVERIFY(golden->cell_text({3, 2}).contains(QString::number(value, 'f', 3)));
        const double standard = std::sin(3 / std::pow(10000, 0.25));
        QVERIFY(find<HeatMap>("standard_encoding_map")
                    ->cell_text({3, 2})
                    .contains(QString::number(standard, 'f', 3)));
    }

    void widths_are_even() {
        auto* width = find<QSpinBox>("embeddings_width");
        width->setValue(9);
        QCOMPARE(width->value(), 8);
        wait();
        QCOMPARE(find<HeatMap>("golden_encoding_map")->columns(), 8);
    }

    void similarity_is_of_the_encoding_chosen() {
        auto* map = find<HeatMap>("position_similarity_map");
        const QString golden = map->cell_text({0, 9});
        find<QAction>("similarity_standard")->setChecked(true);
        wait();
        QVERIFY(map->cell_text({0, 9}) != golden);
    }

    void the_curve_goes_to_ten_thousand() {
        auto* chart = find<LineChart>("aliasing_chart");
        chart->flush();
        for (int series = 0; series < 3; ++series) {
            const QList<QPointF> drawn = chart->drawn_points(series);
            QVERIFY(!drawn.isEmpty());
            QCOMPARE(drawn.front().x(), 0.0);  // of distance 1
            QVERIFY(drawn.back().x() > 3.99);  // decimated, up to 10,000
        }
        QCOMPARE(chart->to_csv().count(QLatin1Char('\n')), 3 * 10000 + 1);
        double first = 0;
        for (int i = 0; i < 32; ++i) first += std::cos(std::pow(std::numbers::phi, -i / 32.0)) / 32;
        QVERIFY(std::abs(chart->drawn_points(2).front().y() - first) < 1e-9);
    }

    void the_torus_turns_when_it_is_told_to() {
        auto* torus = find<PointCloud>("torus_cloud");
        QCOMPARE(torus->points().size(), std::size_t{65});
        const double before = torus->yaw();
        QTest::qWait(120);
        QCOMPARE(torus->yaw(), before);
        torus->turning_action()->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(torus->yaw() != before, kPatience_ms);
        page_->hide();
        const double hidden = torus->yaw();
        QTest::qWait(120);
        QCOMPARE(torus->yaw(), hidden);
    }

    void windings_move_the_tokens() {
        auto* torus = find<PointCloud>("torus_cloud");
        const double y = torus->points()[1].y;
        find<QComboBox>("embeddings_along")->setCurrentIndex(3);
        find<QSpinBox>("embeddings_vocabulary")->setValue(90);
        wait();
        QCOMPARE(torus->points().size(), std::size_t{90});
        QVERIFY(torus->points()[1].y != y);
    }

    void a_click_chooses_and_lists_neighbours() {
        show_windings();
        auto* cloud = find<PointCloud>("vectors_cloud");
        auto* table = find<QTableView>("neighbours_table");
        QCOMPARE(table->model()->rowCount(), 0);
        int wanted = 7;
        const QPointF place = cloud->place_of(wanted);
        wanted = cloud->point_at(place);  // the nearest of those that lie there
        QTest::mouseClick(cloud, Qt::LeftButton, {}, place.toPoint());
        QCOMPARE(cloud->chosen(), wanted);
        QCOMPARE(find<PointCloud>("torus_cloud")->chosen(), wanted);
        QCOMPARE(table->model()->rowCount(), 12);
        QCOMPARE(cloud->marked().size(), std::size_t{12});
        // On a torus the nearest are the neighbours in the vocabulary or where the windings come by.
        const double first = table->model()->index(0, 1).data().toDouble(),
                     last = table->model()->index(11, 1).data().toDouble();
        QVERIFY(first >= last);
    }

    void keys_choose_zoom_and_move() {
        show_windings();
        auto* cloud = find<PointCloud>("vectors_cloud");
        QTest::keyClick(cloud, Qt::Key_PageDown);
        QCOMPARE(cloud->chosen(), 0);
        QTest::keyClick(cloud, Qt::Key_PageUp);
        QCOMPARE(cloud->chosen(), 64);
        const QPointF before = cloud->place_of(3);
        QTest::keyClick(cloud, Qt::Key_Plus);
        QTest::keyClick(cloud, Qt::Key_Left);
        QVERIFY(cloud->place_of(3) != before);
        QTest::keyClick(cloud, Qt::Key_Home);
        QCOMPARE(cloud->place_of(3), before);
    }

    void search_finds_by_number_and_name() {
        show_windings();
        auto* search = find<QLineEdit>("vectors_search");
        auto* cloud = find<PointCloud>("vectors_cloud");
        QTest::keyClicks(search, QStringLiteral("41"));
        QTest::keyClick(search, Qt::Key_Return);
        QCOMPARE(cloud->chosen(), 41);
        search->setText(QStringLiteral("TOKEN 5"));
        QTest::keyClick(search, Qt::Key_Return);
        QCOMPARE(cloud->chosen(), 50);  // the next behind the chosen one
        QTest::keyClick(search, Qt::Key_Return);
        QCOMPARE(cloud->chosen(), 51);
        search->setText(QStringLiteral("nothing"));
        QTest::keyClick(search, Qt::Key_Return);
        QCOMPARE(cloud->chosen(), 51);
    }

    void a_run_brings_its_embedding() {
        auto* source = find<QComboBox>("vectors_source");
        auto* cloud = find<PointCloud>("vectors_cloud");
        QCOMPARE(source->count(), 3);
        RunRecord record;
        record.add(with_embedding(1, {{4, 2}, {1, 0, 0, 0.1F, -1, 0, 1, 0.1F}}));
        page_->show_record(record);
        QCOMPARE(source->currentText(), QStringLiteral("the model's embedding"));
        wait();
        QCOMPARE(cloud->points().size(), std::size_t{4});
        QTest::keyClick(cloud, Qt::Key_PageDown);
        auto* table = find<QTableView>("neighbours_table");
        QCOMPARE(table->model()->index(0, 0).data().toString(), QStringLiteral("token 3"));
        QCOMPARE(table->model()->index(2, 1).data().toString(), QStringLiteral("-1.000"));

        // The next snapshot replaces it, and the choice stays.
        const double x = cloud->points()[0].x;
        record.add(with_embedding(2, {{4, 2}, {5, 0, 0, 0.1F, -1, 0, 1, 0.1F}}));
        page_->show_record(record);
        wait();
        QVERIFY(cloud->points()[0].x != x);
        QCOMPARE(cloud->chosen(), 0);

        const RunRecord none;
        page_->show_record(none);
        QCOMPARE(source->count(), 3);
        wait();
        QCOMPARE(cloud->points().size(), std::size_t{4});  // as many windings as the model had tokens
    }

    void sizes_are_the_model_s_until_others_are_chosen() {
        auto* width = find<QSpinBox>("embeddings_width");
        auto* heads = find<QSpinBox>("embeddings_heads");
        auto* none = find<QLabel>("embeddings_none");
        QVERIFY(!none->isVisible());
        RunRecord record;
        record.add(with_embedding(1, {{12, 32}, std::vector<float>(12 * 32, 0.5F)}));
        page_->suggest_heads(2);
        page_->show_record(record);
        wait();
        QCOMPARE(width->value(), 32);
        QCOMPARE(heads->value(), 2);
        QCOMPARE(find<QSpinBox>("embeddings_vocabulary")->value(), 12);
        QCOMPARE(find<HeatMap>("golden_encoding_map")->columns(), 32);
        auto* chart = find<LineChart>("aliasing_chart");
        chart->flush();
        QCOMPARE(chart->view()->scene_data().legend.front().name, QStringLiteral("rotary, heads of 16"));
        QVERIFY(!none->isVisible());

        width->setValue(20);
        record.add(with_embedding(2, {{12, 32}, std::vector<float>(12 * 32, 0.25F)}));
        page_->suggest_heads(8);
        page_->show_record(record);
        wait();
        QCOMPARE(width->value(), 20);
        QCOMPARE(heads->value(), 2);

        RunRecord other;
        Updates updates;
        updates.patterns.push_back(std::make_shared<PatternSnapshot>());
        other.add(updates);
        page_->show_record(other);
        QVERIFY(none->isVisible());
        const RunRecord nothing;
        page_->show_record(nothing);
        QVERIFY(!none->isVisible());
    }

    void syntony_has_a_history() {
        auto* chart = find<LineChart>("syntony_chart");
        QVERIFY(!chart->isVisible());
        RunRecord record;
        for (const std::int64_t step : {1, 5, 9}) {
            auto snapshot = std::make_shared<PatternSnapshot>();
            snapshot->step = step;
            if (step != 5) snapshot->syntony = 0.1 * static_cast<double>(step);
            Updates updates;
            updates.patterns.push_back(std::move(snapshot));
            record.add(updates);
        }
        page_->show_record(record);
        QVERIFY(chart->isVisible());
        chart->flush();
        QCOMPARE(chart->drawn_points(0), (QList<QPointF>{{1, 0.1}, {9, 0.9}}));
    }

    void what_is_no_number_is_said() {
        RunRecord record;
        record.add(with_embedding(1, {{2, 2}, {1, 0, std::nanf(""), 0}}));
        page_->show_record(record);
        wait();
        QVERIFY(find<PointCloud>("vectors_cloud")->points().empty());
    }

    void charts_leave_as_files() {
        show_windings();
        const QTemporaryDir folder;
        for (const char* name : {"torus_cloud", "vectors_cloud"}) {
            auto* cloud = find<PointCloud>(name);
            const QString base = folder.filePath(QLatin1String(name));
            QVERIFY(cloud->export_png(base + QStringLiteral(".png")));
            QVERIFY(cloud->export_svg(base + QStringLiteral(".svg")));
            QVERIFY(cloud->export_csv(base + QStringLiteral(".csv")));
            QVERIFY(QImage(base + QStringLiteral(".png")).width() > 0);
            QFile drawing(base + QStringLiteral(".svg")), values(base + QStringLiteral(".csv"));
            QVERIFY(drawing.open(QIODevice::ReadOnly) && drawing.readAll().contains("<svg"));
            QVERIFY(values.open(QIODevice::ReadOnly));
            QCOMPARE(values.readAll().count('\n'), 66);
            QVERIFY(!cloud->export_csv(folder.filePath(QStringLiteral("none/x.csv"))));
        }
    }

    void every_control_explains_itself() {
        QCOMPARE(what_controls_lack(*page_).join(QLatin1Char('\n')), QString());
    }
};

}  // namespace spectral::ui

QTEST_MAIN(spectral::ui::EmbeddingsPageTest)
#include "embeddings_page_test.moc"
