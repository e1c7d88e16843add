// The Attention page: its states, what its choices ask for, its charts, and attention's tiles.
#include "ui/panels/attention_page.hpp"

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "tests/ui/controls.hpp"
#include "ui/card.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/map_grid.hpp"
#include "ui/models/attention_head_model.hpp"
#include "ui/panels/tiles_panel.hpp"

namespace spectral::ui {

class AttentionPageTest : public QObject {
    Q_OBJECT

    static constexpr int kPatience_ms = 200000;

    QTemporaryDir folder_;
    std::unique_ptr<AttentionPage> page_;
    std::vector<std::optional<AttentionRequest>> asked_;
    RunRecord record_;

    template <class Widget>
    Widget* on_page(const char* name) {
        auto* found = page_->findChild<Widget*>(QLatin1String(name));
        if (found == nullptr) qWarning("no %s on the page", name);
        return found;
    }
    bool empty_shown() { return on_page<QLabel>("attention_empty")->isVisible(); }
    QString empty_text() { return on_page<QLabel>("attention_empty")->text(); }

    void open_page() {
        page_ = std::make_unique<AttentionPage>();
        connect(page_.get(), &AttentionPage::lookRequested, page_.get(),
                [this](const std::optional<AttentionRequest>& request) { asked_.push_back(request); });
        page_->resize(1100, 1400);
        page_->show();
        QVERIFY(QTest::qWaitForWindowExposed(page_.get()));
    }

    /// Causal rows of two heads over the places: one looks at all alike, one at its own place alone.
    static std::shared_ptr<AttentionView> made_view(const AttentionRequest& request, std::int64_t places,
                                                    std::size_t heads = 2) {
        auto analysis = std::make_shared<AttentionAnalysis>();
        analysis->blocks = {"block1", "block2"};
        analysis->block = request.block;
        analysis->causal = true;
        analysis->places = analysis->context = places;
        analysis->head_size = 8;
        analysis->scale_end = 0.5;
        for (std::size_t h = 0; h < heads; ++h) {
            AttentionHead head;
            head.weights = {{places, places}, std::vector<float>(static_cast<std::size_t>(places * places))};
            double entropies = 0;
            for (std::int64_t i = 0; i < places; ++i) {
                for (std::int64_t j = 0; j <= i; ++j)
                    head.weights.values[static_cast<std::size_t>(i * places + j)] =
                        h == 0   ? 1.0F / static_cast<float>(i + 1)
                        : i == j ? 1.0F
                                 : 0.0F;
                const double entropy = h == 0 ? std::log(static_cast<double>(i + 1)) : 0;
                entropies += entropy;
                head.entropy.push_back(entropy);
                head.syntony.push_back(1 - entropy / std::log(static_cast<double>(places)));
            }
            head.mean_entropy = entropies / static_cast<double>(places);
            head.mean_syntony = 1 - head.mean_entropy / std::log(static_cast<double>(places));
            analysis->heads.push_back(std::move(head));
        }
        auto view = std::make_shared<AttentionView>();
        view->request = request;
        view->samples = request.text ? 0 : 40;
        view->token_unit = "character";
        for (std::int64_t i = 0; i < places; ++i) view->tokens.emplace_back(i % 3 == 2 ? "space" : "e");
        view->analysis = std::move(analysis);
        return view;
    }
    void answer(std::shared_ptr<const AttentionView> view) {
        Updates updates;
        updates.steps = {{record_.steps().empty() ? 1 : record_.steps().back().step + 1, 0.1, 1, 0}};
        updates.attention = std::move(view);
        record_.add(updates);
        page_->show_record(record_);
    }
    static std::shared_ptr<AttentionView> problem(const AttentionRequest& request, const char* what,
                                                  const char* hint) {
        auto view = std::make_shared<AttentionView>();
        view->request = request;
        view->problem = what;
        view->hint = hint;
        return view;
    }

private Q_SLOTS:
    void init() { open_page(); }
    void cleanup() {
        page_.reset();
        asked_.clear();
        record_ = {};
    }

    void asks_when_it_is_seen_and_no_longer_when_not() {
        QCOMPARE(asked_.size(), std::size_t{1});
        QVERIFY(asked_.back() == AttentionRequest{});
        page_->hide();
        QCOMPARE(asked_.size(), std::size_t{2});
        QVERIFY(!asked_.back());
        on_page<QSpinBox>("attention_sample")->setValue(4);
        QCOMPARE(asked_.size(), std::size_t{2});
        page_->show();
        QCOMPARE(asked_.back()->sample, 3);
    }

    void says_what_to_do_without_a_model() {
        page_->show_record(record_);
        QVERIFY(empty_shown());
        QVERIFY(empty_text().contains(QStringLiteral("char-transformer")));
        QVERIFY(!page_->busy());
        answer(nullptr);
        QVERIFY(empty_text().startsWith(QStringLiteral("Looking")));
        QVERIFY(page_->busy());
    }

    void says_why_there_is_no_map() {
        answer(problem({}, "attention maps: the model has no attention", "train or open one that has"));
        QVERIFY(empty_shown());
        QCOMPARE(empty_text(), QStringLiteral("Attention maps: the model has no attention.\n"
                                              "Train or open one that has."));
        QVERIFY(!on_page<QComboBox>("attention_block")->isEnabled());
        QCOMPARE(on_page<QComboBox>("attention_block")->currentText(), QStringLiteral("none"));
        QCOMPARE(on_page<QLabel>("attention_table_empty")->text(),
                 QStringLiteral("There is no head to measure."));
        auto* chart = on_page<LineChart>("attention_entropy_chart");
        chart->flush();
        QCOMPARE(chart->view()->scene_data().message, QStringLiteral("There is no attention to measure."));
        answer(problem({}, "attention maps: 600 tokens make maps of more than 512 × 512 weights",
                       "type a text of at most 512 tokens"));
        QVERIFY(empty_text().contains(QStringLiteral("512 × 512")));
        answer(made_view({}, 6));
        QVERIFY(!empty_shown());
        QVERIFY(on_page<QComboBox>("attention_block")->isEnabled());
        answer(problem({}, "the model's data: are gone", "type a text of your own"));
        QVERIFY(empty_shown());
        QCOMPARE(on_page<MapGrid>("attention_maps")->count(), 0);
        QCOMPARE(on_page<HeatMap>("attention_map")->rows(), 0);
    }

    void shows_maps_entropies_and_means() {
        answer(made_view({}, 6));
        auto* maps = on_page<MapGrid>("attention_maps");
        QCOMPARE(maps->count(), 2);
        QCOMPARE(maps->chosen(), 0);
        auto* large = on_page<HeatMap>("attention_map");
        QCOMPARE(large->rows(), 6);
        // One scale for all: that of the chosen map is that of the small ones.
        for (const HeatMap* map :
             {static_cast<const HeatMap*>(large), static_cast<const HeatMap*>(maps->map(0)),
              static_cast<const HeatMap*>(maps->map(1))})
            QCOMPARE(map->range().high, 0.5);
        QCOMPARE(large->cell_text({3, 2}), QStringLiteral("query 3 “e”, key 2 “space”: weight 0.25"));
        QCOMPARE(maps->map(1)->cell_text({2, 2}),
                 QStringLiteral("head 2: query 2 “space”, key 2 “space”: weight 1"));
        // Few enough for their labels.
        QVERIFY(large->to_csv().startsWith(QStringLiteral("\"query, position/key, position\",e,e,␣")) ||
                large->to_csv().contains(QStringLiteral("e,e,␣")));

        auto* chart = on_page<LineChart>("attention_entropy_chart");
        chart->flush();
        QCOMPARE(chart->series_count(), 3);
        for (const int series : {0, 1}) {  // the bound, and the head that reaches it
            const QList<QPointF> drawn = chart->drawn_points(series);
            QCOMPARE(drawn.size(), 6);
            for (int i = 0; i < 6; ++i) QVERIFY(std::abs(drawn[i].y() - std::log(i + 1.0)) < 1e-9);
        }
        for (const QPointF& point : chart->drawn_points(2)) QCOMPARE(point.y(), 0.0);

        const QAbstractItemModel* table = on_page<QTableView>("attention_table")->model();
        QCOMPARE(table->rowCount(), 2);
        const double mean = std::log(720.0) / 6;
        QCOMPARE(table->index(0, 1).data().toString(), QString::number(mean, 'f', 3));
        QCOMPARE(table->index(0, 2).data().toString(), QString::number(1 - mean / std::log(6.0), 'f', 3));
        QCOMPARE(table->index(0, 1).data(AttentionHeadModel::kShareRole).toDouble(), 1.0);
        QCOMPARE(table->index(1, 2).data().toString(), QStringLiteral("1.000"));
        QCOMPARE(on_page<QLabel>("attention_samples")->text(), QStringLiteral("of 40"));
        QVERIFY(on_page<QLabel>("attention_window_text")->text().startsWith(QStringLiteral("ee ee")));
    }

    void a_click_or_a_row_chooses_the_head() {
        answer(made_view({}, 6));
        auto* maps = on_page<MapGrid>("attention_maps");
        auto* large = on_page<HeatMap>("attention_map");
        QCoreApplication::processEvents();
        HeatMap* second = maps->map(1);
        QTest::mouseClick(second, Qt::LeftButton, {}, second->matrix_area().center().toPoint());
        QCOMPARE(maps->chosen(), 1);
        QVERIFY(large->cell_text({3, 2}).endsWith(QStringLiteral("weight 0")));
        auto* table = on_page<QTableView>("attention_table");
        QCOMPARE(table->currentIndex().row(), 1);
        table->setCurrentIndex(table->model()->index(0, 0));
        QCOMPARE(maps->chosen(), 0);
        QVERIFY(large->cell_text({3, 2}).endsWith(QStringLiteral("weight 0.25")));
        // The choice outlives the next step's maps.
        table->setCurrentIndex(table->model()->index(1, 0));
        answer(made_view({}, 6));
        QCOMPARE(maps->chosen(), 1);
        QVERIFY(on_page<Card>("attention_map_card")->title().startsWith(QStringLiteral("Head 2 of 2")));
    }

    void of_many_heads_the_chosen_one_stands_out() {
        answer(made_view({}, 6, 9));
        QCOMPARE(on_page<MapGrid>("attention_maps")->count(), 9);
        auto* chart = on_page<LineChart>("attention_entropy_chart");
        chart->flush();
        QCOMPARE(chart->series_count(), 10);
        QVERIFY(chart->drawn_points(9).back().y() > 1);  // the first head, painted last
    }

    void samples_and_blocks_are_asked_for() {
        answer(made_view({}, 6));
        auto* sample = on_page<QSpinBox>("attention_sample");
        QCOMPARE(sample->maximum(), 40);
        QVERIFY(!on_page<QToolButton>("attention_previous")->isEnabled());
        QTest::mouseClick(on_page<QToolButton>("attention_next"), Qt::LeftButton);
        QCOMPARE(asked_.back()->sample, 1);
        // What was asked for before is not shown any more.
        answer(made_view({}, 3));
        QCOMPARE(on_page<HeatMap>("attention_map")->rows(), 6);
        QVERIFY(page_->busy());
        answer(made_view(*page_->request(), 4));
        QCOMPARE(on_page<HeatMap>("attention_map")->rows(), 4);
        QVERIFY(!page_->busy());
        QVERIFY(on_page<QToolButton>("attention_previous")->isEnabled());
        on_page<QComboBox>("attention_block")->setCurrentIndex(1);
        QCOMPARE(asked_.back()->block, 1);
        QCOMPARE(asked_.back()->sample, 1);
    }

    void choices_that_a_model_does_not_have_give_way() {
        answer(made_view({}, 6));
        on_page<QComboBox>("attention_block")->setCurrentIndex(1);
        // Whatever else is wrong leaves them as they are.
        answer(problem(*page_->request(), "text: is empty", "type one"));
        QCOMPARE(asked_.back()->block, 1);
        auto block = problem(*page_->request(), "block: 2 is not one of the model's 1", "choose 1 to 1");
        block->field = "block";
        answer(block);
        QCOMPARE(asked_.back()->block, 0);
        on_page<QSpinBox>("attention_sample")->setValue(30);
        auto view = problem(*page_->request(), "sample: 30 is not one of the 12 windows", "choose 1 to 12");
        view->samples = 12;
        view->field = "sample";
        answer(view);
        QCOMPARE(asked_.back()->sample, 11);
    }

    void own_texts_are_asked_for_as_they_are_typed() {
        auto* source = on_page<QComboBox>("attention_source");
        auto* text = on_page<QLineEdit>("attention_text");
        QVERIFY(!text->isVisible());
        source->setCurrentIndex(1);
        QVERIFY(text->isVisible());
        QVERIFY(!on_page<QSpinBox>("attention_sample")->isVisible());
        QVERIFY(!asked_.back());
        QVERIFY(empty_text().startsWith(QStringLiteral("Type a text")));
        QTest::keyClicks(text, QStringLiteral("wave"));
        QCOMPARE(QString::fromStdString(*asked_.back()->text), QStringLiteral("wave"));
        auto view = made_view(*page_->request(), 4);
        view->left_out = 3;
        answer(view);
        QCOMPARE(on_page<HeatMap>("attention_map")->rows(), 4);
        QVERIFY(on_page<Card>("attention_heads_card")
                    ->subtitle()
                    .contains(QStringLiteral("the last 4 characters")));
        source->setCurrentIndex(0);
        QVERIFY(!asked_.back()->text);
    }

    void charts_leave_as_files() {
        answer(made_view({}, 6));
        const QString maps = folder_.filePath(QStringLiteral("maps.png"));
        QVERIFY(on_page<MapGrid>("attention_maps")->export_png(maps));
        QVERIFY(QImage(maps).width() > 0);
        QVERIFY(on_page<HeatMap>("attention_map")->export_png(folder_.filePath(QStringLiteral("map.png"))));
        QVERIFY(on_page<LineChart>("attention_entropy_chart")
                    ->export_svg(folder_.filePath(QStringLiteral("entropy.svg"))));
        QVERIFY(
            !on_page<MapGrid>("attention_maps")->export_png(folder_.filePath(QStringLiteral("no/x.png"))));
    }

    void tiles_are_measured_and_the_chosen_one_marked() {
        on_page<QSpinBox>("tiles_sequence")->setValue(100);
        on_page<QSpinBox>("tiles_batch")->setValue(1);
        on_page<QSpinBox>("tiles_heads")->setValue(2);
        on_page<QSpinBox>("tiles_head_size")->setValue(8);
        QTest::mouseClick(on_page<QPushButton>("tiles_measure"), Qt::LeftButton);
        QVERIFY(page_->tiles().measuring());
        QCOMPARE(on_page<QPushButton>("tiles_measure")->text(), QStringLiteral("Cancel"));
        QTRY_VERIFY_WITH_TIMEOUT(!page_->tiles().measuring(), kPatience_ms);
        for (const char* name : {"tile_time_chart", "tile_memory_chart"}) {
            auto* chart = on_page<LineChart>(name);
            chart->flush();
            QVERIFY(chart->drawn_points(0).size() >= 4);  // 16 to 128 queries
            QCOMPARE(chart->drawn_points(2).size(), 1);
            QVERIFY(chart->drawn_points(0).front().y() > 0);
        }
        QVERIFY(on_page<Card>("tile_memory_card")->subtitle().contains(QStringLiteral("chosen:")));
        QCOMPARE(on_page<QPushButton>("tiles_measure")->text(), QStringLiteral("Measure tiles"));
    }

    void a_measurement_can_be_cancelled() {
        on_page<QSpinBox>("tiles_sequence")->setValue(4096);
        auto* button = on_page<QPushButton>("tiles_measure");
        QTest::mouseClick(button, Qt::LeftButton);
        QTest::mouseClick(button, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(!page_->tiles().measuring(), kPatience_ms);
        QVERIFY(button->isEnabled());
        on_page<LineChart>("tile_time_chart")->flush();
        QVERIFY(on_page<LineChart>("tile_time_chart")->drawn_points(0).isEmpty());
    }

    void what_could_not_be_stopped_in_time_is_refused() {
        QSignalSpy problems(page_.get(), &AttentionPage::problem);
        on_page<QSpinBox>("tiles_sequence")->setValue(on_page<QSpinBox>("tiles_sequence")->maximum());
        on_page<QSpinBox>("tiles_batch")->setValue(on_page<QSpinBox>("tiles_batch")->maximum());
        QTest::mouseClick(on_page<QPushButton>("tiles_measure"), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(!page_->tiles().measuring(), kPatience_ms);
        QCOMPARE(problems.size(), 1);
        QVERIFY(problems.front().front().toString().startsWith(QStringLiteral("sequence: ")));
        QVERIFY(problems.front().back().toString().contains(QStringLiteral("at most")));
    }

    void tiles_take_the_models_sizes_until_others_are_chosen() {
        answer(made_view({}, 6));
        QCOMPARE(on_page<QSpinBox>("tiles_sequence")->value(), 6);
        QCOMPARE(on_page<QSpinBox>("tiles_head_size")->value(), 8);
        on_page<QSpinBox>("tiles_heads")->setValue(5);
        page_->tiles().suggest(64, 32, 16, 4);
        QCOMPARE(on_page<QSpinBox>("tiles_heads")->value(), 5);
        QCOMPARE(on_page<QSpinBox>("tiles_sequence")->value(), 6);
    }

    void every_control_explains_itself() {
        QCOMPARE(what_controls_lack(*page_).join(QLatin1Char('\n')), QString());
    }
};

}  // namespace spectral::ui

QTEST_MAIN(spectral::ui::AttentionPageTest)
#include "attention_page_test.moc"
