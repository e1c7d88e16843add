// The Patterns page's Evolve panel in every state, and filters through training time.
#include "ui/panels/evolve_panel.hpp"

#include <QAbstractButton>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QSlider>
#include <QSpinBox>
#include <QTest>
#include <cmath>
#include <memory>
#include <utility>

#include "engine/train/trainer.hpp"
#include "tests/ui/window_fixture.hpp"
#include "ui/card.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/panels/patterns_page.hpp"

namespace spectral::ui {
namespace {

class EvolvePanelTest : public QObject, protected WindowFixture {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { use_own_settings(); }
    void init();
    void cleanup();
    void says_where_there_is_nothing_to_evolve();
    void moves_as_the_dynamics_do_data();
    void moves_as_the_dynamics_do();
    void shows_what_is_measured();
    void refuses_bad_settings_in_place();
    void a_refusal_stays_until_somebody_acts();
    void stops_before_numbers_that_are_none();
    void plays_and_pauses();
    void planes_and_images_are_maps();
    void a_copy_that_moved_stays();
    void tells_why_it_cannot_be_used();
    void a_card_opens_the_panel_on_its_patterns();
    void filters_are_seen_through_training_time();

private:
    static constexpr int kColumns = 16;

    /// A pool of three patterns, a matrix that is derived, and two filters on a sheet.
    static std::shared_ptr<PatternSnapshot> snapshot(std::int64_t step, float scale = 1) {
        auto result = std::make_shared<PatternSnapshot>();
        result->step = step;
        HostTensor pool{Shape{3, kColumns}, {}};
        for (int i = 0; i < 3 * kColumns; ++i)
            pool.values.push_back(scale * 0.4F * std::sin(static_cast<float>(i * i)));
        result->matrices.push_back(
            {"pool", "Pool", "pattern", "bin", pool,
             PatternOrigin{"net/pool", 1, kColumns, 1, 0, {0, kColumns, 2 * kColumns}}});
        result->matrices.push_back({"gain", "Gain", "", "bin", HostTensor{Shape{1, 4}, {1, 2, 3, 4}}});
        HostTensor sheet{Shape{3, 7}, std::vector<float>(21, std::nanf(""))};
        for (int r = 0; r < 3; ++r)
            for (int c = 0; c < 7; ++c)
                if (c != 3) sheet.values[static_cast<std::size_t>(7 * r + c)] = static_cast<float>(r - c) / 9;
        result->matrices.push_back(
            {"filters", "Filters", "row", "column", sheet, PatternOrigin{"net/filters", 3, 3, 2, 1, {0, 9}}});
        result->matrices.push_back({"magnitude", "Magnitudes", "row", "column", sheet});
        return result;
    }
    void show(std::shared_ptr<PatternSnapshot> shown) {
        Updates updates;
        updates.patterns.push_back(std::move(shown));
        record_.add(updates);
        page_->show_record(record_);
    }
    template <class Widget>
    Widget* on_page(const char* name) {
        auto* found = page_->findChild<Widget*>(QLatin1String(name));
        if (found == nullptr) qWarning("no %s on the page", name);
        return found;
    }
    void click(const char* name) { QTest::mouseClick(on_page<QAbstractButton>(name), Qt::LeftButton); }
    void type(const char* name, const QString& text) {
        auto* field = on_page<QLineEdit>(name);
        field->selectAll();
        QTest::keyClicks(field, text);
    }
    void open_panel() {
        show(snapshot(10));
        click("patterns_evolve");
        QTRY_VERIFY_WITH_TIMEOUT(evolution().now() != nullptr, kPatience_ms);
    }
    void take_step() {
        const std::int64_t before = evolution().steps();
        click("evolve_step");
        QTRY_COMPARE_WITH_TIMEOUT(evolution().steps(), before + 1, kPatience_ms);
    }
    static std::vector<float> pool_row(float scale) {
        return pattern_of(snapshot(0, scale)->matrices[0], 0).values;
    }
    const PatternEvolution& evolution() { return page_->evolve_panel().evolution(); }

    RunRecord record_;
    std::unique_ptr<PatternsPage> page_;
};

void EvolvePanelTest::init() {
    record_.clear();
    page_ = std::make_unique<PatternsPage>();
    page_->resize(1000, 700);
    page_->show();
    QVERIFY(QTest::qWaitForWindowExposed(page_.get()));
}

void EvolvePanelTest::cleanup() { page_.reset(); }

void EvolvePanelTest::says_where_there_is_nothing_to_evolve() {
    QVERIFY(on_page<QLabel>("patterns_empty")->isVisible());
    auto shown = snapshot(1);
    shown->matrices.erase(shown->matrices.begin(), shown->matrices.begin() + 3);  // the derived sheet stays
    show(shown);
    click("patterns_evolve");
    QVERIFY(on_page<QLabel>("evolve_empty")->isVisible());
    QVERIFY(!on_page<QLabel>("evolve_empty")->text().isEmpty());
    page_->evolve_panel().choose("pool");
    QVERIFY(!evolution().has_start());
}

void EvolvePanelTest::moves_as_the_dynamics_do_data() {
    QTest::addColumn<int>("tool");
    QTest::newRow("heat") << 0;
    QTest::newRow("evolution") << 1;
    QTest::newRow("ricci") << 2;
}

void EvolvePanelTest::moves_as_the_dynamics_do() {
    QFETCH(int, tool);
    open_panel();
    on_page<QSpinBox>("evolve_index")->setValue(1);
    on_page<QComboBox>("evolve_tool")->setCurrentIndex(tool);
    if (tool != 0) type("evolve_rate", QStringLiteral("0.25"));
    if (tool == 1) type("evolve_stability", QStringLiteral("3"));
    if (tool != 2) type("evolve_time", QStringLiteral("1.5"));
    type("evolve_columns", QStringLiteral("2e0"));
    type("evolve_mixed", QStringLiteral("-0.5"));
    QCOMPARE(on_page<QLineEdit>("evolve_rate")->isVisible(), tool != 0);
    QCOMPARE(on_page<QLineEdit>("evolve_stability")->isVisible(), tool == 1);
    QCOMPARE(on_page<QLineEdit>("evolve_time")->isVisible(), tool != 2);
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget(MemoryBudget::kUnlimited);
    PatternDynamics expected({*backend, budget}, pattern_of(snapshot(10)->matrices[0], 1));
    const PlaneMetric metric{1, 2, -0.5};
    for (int i = 0; i < 3; ++i) {
        take_step();
        if (tool == 0) expected.flow_heat(1.5, metric);
        if (tool == 1) expected.evolve(0.25, 3, 1.5, metric);
        if (tool == 2) expected.step_ricci(0.25, metric);
        QVERIFY(evolution().now()->values == expected.pattern().values);
        QCOMPARE(evolution().points().back().measures.entropy, expected.measure().entropy);
    }
    QVERIFY(evolution().now()->values != evolution().start()->values);
    QVERIFY(evolution().start()->values == pattern_of(snapshot(10)->matrices[0], 1).values);
}

void EvolvePanelTest::shows_what_is_measured() {
    open_panel();
    for (int i = 0; i < 4; ++i) take_step();
    const auto& points = evolution().points();
    QCOMPARE(points.size(), std::size_t{5});
    for (const char* name : {"evolve_energy_chart", "evolve_entropy_chart", "evolve_height_chart"}) {
        auto* chart = on_page<LineChart>(name);
        chart->flush();
        const QList<QPointF> drawn = chart->drawn_points(0);
        QCOMPARE(drawn.size(), 5);
        const PatternMeasures& last = points.back().measures;
        const double expected = QByteArray(name).contains("energy")    ? last.energy
                                : QByteArray(name).contains("entropy") ? last.entropy
                                                                       : last.height;
        QCOMPARE(drawn.back(), QPointF(4, expected));
    }
    QVERIFY(points.back().measures.energy < points.front().measures.energy);
    auto* row = on_page<LineChart>("evolve_row_chart");
    QVERIFY(row->isVisible());
    row->flush();
    QCOMPARE(row->drawn_points(1).size(), kColumns);
    QVERIFY(row->drawn_points(0) != row->drawn_points(1));
}

void EvolvePanelTest::refuses_bad_settings_in_place() {
    open_panel();
    auto* problem = on_page<QLabel>("evolve_problem");
    const auto refused = [&](const char* field, const QString& text, const char* says) {
        auto* edit = on_page<QLineEdit>(field);
        const QString before = edit->text();
        type(field, text);
        QVERIFY(!problem->isVisible());
        click("evolve_step");
        QTRY_VERIFY_WITH_TIMEOUT(problem->isVisible(), kPatience_ms);
        QVERIFY2(problem->text().contains(QLatin1String(says)), qPrintable(problem->text()));
        QVERIFY(edit->property("invalid").toBool());
        QCOMPARE(evolution().steps(), std::int64_t{0});
        QVERIFY(!evolution().busy());
        type(field, before);
        QVERIFY(!problem->isVisible());
        QVERIFY(!edit->property("invalid").toBool());
    };
    refused("evolve_time", QStringLiteral("-1"), "time");
    refused("evolve_time", QStringLiteral("x"), "not a number");
    refused("evolve_time", QStringLiteral("nan"), "time");
    refused("evolve_mixed", QStringLiteral("1"), "positive definite");
    on_page<QComboBox>("evolve_tool")->setCurrentIndex(1);
    refused("evolve_rate", QStringLiteral("-0.1"), "rate");
    refused("evolve_stability", QStringLiteral("-2"), "stability");
    refused("evolve_time", QStringLiteral("0"), "above 0");
    take_step();  // and none of it stayed
}

void EvolvePanelTest::a_refusal_stays_until_somebody_acts() {
    open_panel();
    auto* problem = on_page<QLabel>("evolve_problem");
    auto* time = on_page<QLineEdit>("evolve_time");
    float scale = 1;
    for (const char* act : {"evolve_index", "evolve_matrix"}) {
        type("evolve_time", QStringLiteral("x"));
        click("evolve_step");
        QVERIFY(problem->isVisible());
        // A run's next pattern is none of the user's acts.
        ++scale;
        show(snapshot(10 * static_cast<std::int64_t>(scale), scale));
        QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
        QVERIFY(evolution().start()->values == pool_row(scale));
        QVERIFY(problem->isVisible());
        QVERIFY(!problem->text().isEmpty());
        QVERIFY(time->property("invalid").toBool());
        if (QByteArray(act).endsWith("index")) on_page<QSpinBox>(act)->setValue(1);
        if (QByteArray(act).endsWith("matrix")) on_page<QComboBox>(act)->setCurrentIndex(1);
        QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
        QVERIFY(!problem->isVisible());
        QVERIFY(!time->property("invalid").toBool());
        on_page<QSpinBox>("evolve_index")->setValue(0);
        QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    }
    // A step that goes well leaves none either.
    on_page<QComboBox>("evolve_matrix")->setCurrentIndex(0);
    type("evolve_time", QStringLiteral("-1"));
    click("evolve_step");
    QTRY_VERIFY_WITH_TIMEOUT(problem->isVisible(), kPatience_ms);
    time->setText(QStringLiteral("1"));  // not by hand
    QVERIFY(problem->isVisible());
    take_step();
    QVERIFY(!problem->isVisible());
    // Nor does a new copy.
    type("evolve_time", QStringLiteral("x"));
    click("evolve_step");
    QVERIFY(problem->isVisible());
    click("evolve_reset");
    QVERIFY(!problem->isVisible());
}

void EvolvePanelTest::stops_before_numbers_that_are_none() {
    open_panel();
    // A step of the second leaves 0·∞ where its kernel rounds to nothing.
    for (const auto& [tool, rate] : {std::pair{2, "1e38"}, {1, "1e300"}}) {
        on_page<QComboBox>("evolve_tool")->setCurrentIndex(tool);
        type("evolve_rate", QStringLiteral("0.01"));
        type("evolve_stability", QStringLiteral("1"));
        take_step();
        type("evolve_rate", QLatin1String(rate));
        type("evolve_stability", QStringLiteral("1e30"));
        for (int i = 0; i < 3 && on_page<QLabel>("evolve_problem")->text().isEmpty(); ++i) {
            click("evolve_step");
            QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
        }
        QVERIFY2(on_page<QLabel>("evolve_problem")->text().contains(QLatin1String("beyond all numbers")),
                 qPrintable(on_page<QLabel>("evolve_problem")->text()));
        for (const float value : evolution().now()->values) QVERIFY(std::isfinite(value));
        click("evolve_reset");
        QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    }
}

void EvolvePanelTest::plays_and_pauses() {
    open_panel();
    auto* play = on_page<QAbstractButton>("evolve_play");
    click("evolve_play");
    QVERIFY(play->isChecked());
    QTRY_VERIFY_WITH_TIMEOUT(evolution().steps() >= 5, kPatience_ms);
    click("evolve_play");
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    const std::int64_t stood = evolution().steps();
    click("evolve_step");
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    QCOMPARE(evolution().steps(), stood + 1);
    // Reset begins again from the pattern on show; a bad value stops what plays.
    click("evolve_reset");
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    QCOMPARE(evolution().steps(), std::int64_t{0});
    QVERIFY(evolution().now()->values == evolution().start()->values);
    click("evolve_play");
    type("evolve_time", QStringLiteral("-1"));
    QTRY_VERIFY_WITH_TIMEOUT(!play->isChecked(), kPatience_ms);
    type("evolve_time", QStringLiteral("1"));
    click("evolve_play");
    QVERIFY(play->isChecked());
    click("patterns_evolve");  // out of sight nothing moves
    QVERIFY(!play->isChecked());
    QVERIFY(on_page<HeatMap>("pool_map")->isVisible());
}

void EvolvePanelTest::planes_and_images_are_maps() {
    open_panel();
    auto* index = on_page<QSpinBox>("evolve_index");
    auto* learned = on_page<HeatMap>("evolve_start_map");
    QCOMPARE(index->minimum(), -1);
    QCOMPARE(index->maximum(), 2);
    QVERIFY(!learned->isVisible());
    index->setValue(-1);
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    QVERIFY(learned->isVisible());
    QCOMPARE(learned->rows(), 3);
    QCOMPARE(learned->columns(), kColumns);
    auto* matrices = on_page<QComboBox>("evolve_matrix");
    QCOMPARE(matrices->count(), 3);  // not the sheet that nothing is known of
    matrices->setCurrentIndex(2);
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    QCOMPARE(index->minimum(), 0);
    QCOMPARE(index->maximum(), 1);
    index->setValue(1);
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    take_step();
    auto* evolved = on_page<HeatMap>("evolve_now_map");
    QCOMPARE(evolved->rows(), 3);
    QCOMPARE(evolved->columns(), 3);
    QCOMPARE(evolution().start()->values[1], -5.0F / 9);  // row 0, column 5 of the sheet
    QVERIFY(evolved->range().high == learned->range().high);
}

void EvolvePanelTest::a_copy_that_moved_stays() {
    open_panel();
    show(snapshot(20, 2));
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    const auto pool = [](std::int64_t step, float scale) {
        return pattern_of(snapshot(step, scale)->matrices[0], 0).values;
    };
    QVERIFY(evolution().start()->values == pool(20, 2));
    take_step();
    show(snapshot(30, 3));
    QVERIFY(evolution().start()->values == pool(20, 2));
    QCOMPARE(evolution().steps(), std::int64_t{1});
    click("evolve_reset");
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    QVERIFY(evolution().start()->values == pool(30, 3));
    take_step();
    page_->start_over();
    QVERIFY(!evolution().has_start());
    QVERIFY(on_page<QLabel>("evolve_empty")->isVisible());
}

void EvolvePanelTest::tells_why_it_cannot_be_used() {
    open_panel();
    auto* use = on_page<QAbstractButton>("evolve_use");
    auto* reason = on_page<QLabel>("evolve_target");
    EvolvePanel& panel = page_->evolve_panel();
    panel.set_target(EvolvePanel::Target::none, QStringLiteral("nobody is there"));
    QVERIFY(!use->isEnabled());
    QCOMPARE(reason->text(), QStringLiteral("nobody is there"));
    panel.set_target(EvolvePanel::Target::run);
    QVERIFY(!use->isEnabled());
    QVERIFY(reason->text().contains(QLatin1String("first")));
    take_step();
    QVERIFY(use->isEnabled());
    QVERIFY(reason->text().contains(QLatin1String("run")));
    panel.set_target(EvolvePanel::Target::file);
    QVERIFY(reason->text().contains(QLatin1String("file")));
    QSignalSpy wanted(&panel, &EvolvePanel::startingPointWanted);
    use->click();
    QCOMPARE(wanted.size(), 1);
    const auto point = wanted.front().front().value<StartingPoint>();
    QCOMPARE(point.from().origin->parameter, std::string("net/pool"));
    QVERIFY(point.part().values == evolution().now()->values);
    QVERIFY(wanted.front().back().toString().contains(QLatin1String("pattern 0")));
    on_page<QComboBox>("evolve_matrix")->setCurrentIndex(1);
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy(), kPatience_ms);
    take_step();
    QVERIFY(!use->isEnabled());
    QVERIFY(reason->text().contains(QLatin1String("Gain")));
}

void EvolvePanelTest::a_card_opens_the_panel_on_its_patterns() {
    show(snapshot(10));
    const auto evolve_of = [&](const char* card) -> QAbstractButton* {
        for (QAbstractButton* button : on_page<Card>(card)->findChildren<QAbstractButton*>())
            if (button->text() == QLatin1String("evolve")) return button;
        return nullptr;
    };
    QVERIFY(evolve_of("magnitude_card") == nullptr);
    QVERIFY(evolve_of("filters_card") != nullptr);
    evolve_of("filters_card")->click();
    QVERIFY(page_->evolve_panel().isVisible());
    QCOMPARE(on_page<QComboBox>("evolve_matrix")->currentText(), QStringLiteral("Filters"));
}

void EvolvePanelTest::filters_are_seen_through_training_time() {
    ExperimentConfig config;
    config.dataset_options = {{"train_samples", 200}, {"test_samples", 100}};
    config.model = "global-filter";
    config.threads = 1;
    Trainer trainer(resolved(config), std::make_shared<Workspace>(), {});
    std::vector<std::shared_ptr<PatternSnapshot>> taken;
    for (int i = 0; i < 3; ++i) {
        taken.push_back(std::make_shared<PatternSnapshot>());
        taken.back()->step = trainer.step_count();
        taken.back()->matrices = trainer.patterns();
        show(taken.back());
        for (int step = 0; step < 5; ++step) trainer.step();
    }
    auto* slider = on_page<QSlider>("time_slider");
    QVERIFY(slider->isEnabled());
    for (const std::size_t moment : {0U, 2U, 1U}) {
        slider->setValue(static_cast<int>(taken[moment]->step));
        for (const PatternSnapshot::Matrix& matrix : taken[moment]->matrices) {
            HeatMap* map = page_->map(matrix.name);
            QVERIFY2(map != nullptr, matrix.name.c_str());
            QCOMPARE(map->rows(), static_cast<int>(matrix.values.shape[0]));
            auto* expected = new HeatMap(page_.get());
            expected->set_data(map->rows(), map->columns(), matrix.values.values);
            QCOMPARE(map->to_csv(), expected->to_csv());
        }
    }
    // An earlier moment's filter can be taken, too.
    slider->setValue(0);
    click("patterns_evolve");
    page_->evolve_panel().choose("filter_kernel");
    QTRY_VERIFY_WITH_TIMEOUT(!evolution().busy() && evolution().has_start(), kPatience_ms);
    QVERIFY(evolution().start()->values == pattern_of(taken[0]->matrices[2], 0).values);
}

}  // namespace
}  // namespace spectral::ui

QTEST_MAIN(spectral::ui::EvolvePanelTest)
#include "evolve_panel_test.moc"
