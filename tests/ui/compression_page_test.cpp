// The Compression page on its own: a model opened, packed, looked at, compared and exported.
#include "ui/panels/compression_page.hpp"

#include <QAbstractButton>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QDialog>
#include <QDoubleSpinBox>
#include <QFile>
#include <QFileInfo>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QSignalSpy>
#include <QSlider>
#include <QSpinBox>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <limits>
#include <memory>

#include "engine/core/own_device.hpp"
#include "engine/io/model_file.hpp"
#include "engine/train/evaluate.hpp"
#include "engine/train/run.hpp"
#include "tests/engine/python.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/models/tensor_table_model.hpp"
#include "ui/panels/tensor_panel.hpp"
#include "ui/panels/tradeoff_panel.hpp"

namespace spectral::ui {
namespace {

constexpr int kPatience_ms = 200000;  // under a thread sanitizer everything takes thirty times as long

class CompressionPageTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init();
    void cleanup() { page_.reset(); }
    void says_what_to_do();
    void opened_model_is_packed_as_on_the_command_line();
    void columns_give_way_to_the_numbers();
    void file_that_cannot_be_read_changes_nothing();
    void chosen_tensor_is_shown();
    void last_place_of_the_slider_wins();
    void phase_and_factors_are_shown();
    void budget_is_followed_and_may_be_out_of_reach();
    void fixed_tensor_stays();
    void fine_tuning_trains_what_is_stored();
    void fine_tuning_is_cancelled_and_overtaken();
    void data_that_are_gone_are_no_error();
    void number_that_is_not_finite_is_named();
    void export_says_what_was_written();
    void export_that_fails_is_a_problem();
    void python_reads_what_was_written();
    void whole_model_is_compared_and_cancelled();

private:
    void open(const QString& path);
    void open_and_wait(const QString& path) {
        open(path);
        QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    }
    QString path(const char* name) const { return folder_.filePath(QLatin1String(name)); }
    template <class Widget>
    Widget* find(const char* name) const {
        auto* found = page_->findChild<Widget*>(QLatin1String(name));
        if (found == nullptr) qWarning("no %s on the page", name);
        return found;
    }
    QString text(const char* name) const { return find<QLabel>(name)->text(); }
    void press(const char* name) { QTest::mouseClick(find<QAbstractButton>(name), Qt::LeftButton); }
    QString cell(int row, int column) const {
        return page_->tensors()->model()->index(row, column).data().toString();
    }
    void set_ratio(double ratio) { find<QDoubleSpinBox>("budget_ratio")->setValue(ratio); }
    const CompressResult& result() const { return *page_->session().result(); }

    QTemporaryDir folder_;
    QString model_;
    std::unique_ptr<CompressionPage> page_;
};

void CompressionPageTest::initTestCase() {
    ExperimentConfig config;
    config.dataset = "tones";
    config.dataset_options = {{"train_samples", 512}, {"test_samples", 128}, {"length", 64}, {"classes", 4}};
    config.model = "mlp";
    config.features = "raw";
    config.model_options = {{"hidden", 512}};
    config.batch = 32;
    config.epochs = 3;
    model_ = path("model.h5");
    RunOptions options;
    options.out = model_.toStdString();
    TrainingRun run(resolved(config), options);
    QVERIFY2(run.result().state == RunState::finished, run.result().error.c_str());
}

void CompressionPageTest::init() {
    page_ = std::make_unique<CompressionPage>(std::make_shared<Workspace>());
    page_->resize(1000, 900);
    page_->show();
    QVERIFY(QTest::qWaitForWindowExposed(page_.get()));
}

void CompressionPageTest::open(const QString& path) {
    QSignalSpy opened(page_.get(), &CompressionPage::opened);
    page_->open(path);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatience_ms);
}

void CompressionPageTest::says_what_to_do() {
    QVERIFY(find<QLabel>("compression_empty")->isVisible());
    QVERIFY(!find<QAbstractButton>("compression_offer")->isVisible());
    QSignalSpy wanted(page_.get(), &CompressionPage::openRequested);
    press("compression_open");
    QCOMPARE(wanted.count(), 1);
    page_->hide();
    page_->offer(model_);
    page_->show();  // what is on show in the window is opened at the first look
    QTRY_VERIFY_WITH_TIMEOUT(page_->session().model() != nullptr, kPatience_ms);
    QVERIFY(!find<QLabel>("compression_empty")->isVisible());
}

void CompressionPageTest::opened_model_is_packed_as_on_the_command_line() {
    open_and_wait(model_);
    QCOMPARE(page_->tensors()->model()->rowCount(), 4);
    const ModelFile file = read_model_file(model_.toStdString());
    const DataPlace place = *page_->session().data_of_model();
    const FileJudge judge(file.config, place.dataset, place.path, place.options, "auto", {});
    CompressRequest request;
    request.importances = judge.calibrate(file, {});
    MemoryBudget budget;
    const OwnDevice device("auto", budget);
    const CompressResult expected = ModelCompressor(device.get(), file, request, {}).pack({}, {});
    QCOMPARE(result().file_bytes, expected.file_bytes);
    QCOMPARE(result().tensors.size(), expected.tensors.size());
    for (std::size_t i = 0; i < expected.tensors.size(); ++i) {
        QCOMPARE(result().tensors[i].method, expected.tensors[i].method);
        QCOMPARE(result().tensors[i].stored_bytes, expected.tensors[i].stored_bytes);
        QCOMPARE(cell(static_cast<int>(i), TensorTableModel::kMethod).toStdString(),
                 expected.tensors[i].method);
    }
    const auto shown = [](double accuracy) { return QString::number(100 * accuracy, 'f', 2); };
    QCOMPARE(text("budget_accuracy"), shown(judge.evaluate(file).accuracy) + QStringLiteral(" → ") +
                                          shown(judge.evaluate(expected.model).accuracy) +
                                          QStringLiteral("\u202f%"));
    QVERIFY(find<QAbstractButton>("budget_export")->isEnabled());
    QVERIFY(!find<QAbstractButton>("budget_snippet")->isEnabled());
}

/// At any width: error and damage whole, no bar below the table, no half rows.
void CompressionPageTest::columns_give_way_to_the_numbers() {
    page_->resize(970, 700);
    open_and_wait(model_);
    const QTableView& table = *page_->tensors();
    const QAbstractItemView& view = table;
    for (const int width : {850, 970, 1100, 1600}) {
        page_->resize(width, 700);
        QCoreApplication::processEvents();
        const int needed = view.sizeHintForColumn(TensorTableModel::kDamage);
        QVERIFY(table.columnWidth(TensorTableModel::kDamage) >= needed);
        QCOMPARE(table.horizontalHeader()->length(), table.viewport()->width());
        QCOMPARE(table.viewport()->height() % table.rowHeight(0), 0);
        for (const int column : {TensorTableModel::kStored, TensorTableModel::kMethod,
                                 TensorTableModel::kKept, TensorTableModel::kError}) {
            QVERIFY(!table.isColumnHidden(column));
            QVERIFY(table.columnWidth(column) >= view.sizeHintForColumn(column));
        }
        QCOMPARE(table.isColumnHidden(TensorTableModel::kDense), width == 850);
    }
}

void CompressionPageTest::file_that_cannot_be_read_changes_nothing() {
    QFile broken(path("broken.h5"));
    QVERIFY(broken.open(QIODevice::WriteOnly));
    broken.write("no model");
    broken.close();
    QSignalSpy problems(page_.get(), &CompressionPage::problem);
    page_->open(broken.fileName());
    QTRY_COMPARE_WITH_TIMEOUT(problems.count(), 1, kPatience_ms);
    QVERIFY(problems.front().front().toString().contains(QStringLiteral("broken.h5")));
    QVERIFY(find<QLabel>("compression_empty")->isVisible());
    open_and_wait(model_);
    const CompressResult* before = &result();
    const QString title = text("tensors_card_title"), figures = text("tensor_figures");
    page_->open(broken.fileName());
    QTRY_COMPARE_WITH_TIMEOUT(problems.count(), 2, kPatience_ms);
    QCOMPARE(text("tensors_card_title"), title);
    QCOMPARE(text("tensor_figures"), figures);
    QCOMPARE(&result(), before);
    QCOMPARE(page_->session().path(), model_);
}

void CompressionPageTest::chosen_tensor_is_shown() {
    open_and_wait(model_);
    QCOMPARE(page_->tensor_panel().tensor(), std::string("hidden1/weight"));  // the largest
    page_->tensors()->selectRow(2);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    QCOMPARE(text("tensor_card_title"), cell(2, TensorTableModel::kTensor));
    const HostTensor& tensor = *page_->session().tensor(page_->tensor_panel().tensor());
    const auto* weights = find<HeatMap>("weights_map");
    QCOMPARE(weights->rows(), static_cast<int>(tensor.shape[0]));
    QCOMPARE(weights->columns(), static_cast<int>(tensor.shape[1]));
    QCOMPARE(page_->tensor_panel().method(), result().tensors[2].method);
    for (const char* map : {"spectrum_map", "reconstruction_map", "difference_map"})
        QVERIFY2(find<HeatMap>(map)->rows() > 0, map);
    // A list has pictures too.
    page_->tensors()->selectRow(1);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    QCOMPARE(weights->rows(), 1);
}

void CompressionPageTest::last_place_of_the_slider_wins() {
    open_and_wait(model_);
    auto* method = find<QComboBox>("tensor_method");
    method->setCurrentIndex(method->findData(QStringLiteral("fft")));
    auto* slider = find<QSlider>("tensor_density_slider");
    QSignalSpy looks(&page_->session(), &CompressSession::looked);
    constexpr int kMoves = 200;
    for (int i = 0; i < kMoves; ++i) slider->setValue(300 + 3 * i);
    const double wanted = page_->tensor_panel().density();
    const auto kept = [this] {
        const CompressSession::Look& look = page_->tensor_panel().look();
        return look && look->packed.method == "fft" ? look->kept : -1;
    };
    const double one = 2 / static_cast<double>(page_->session().tensor("hidden1/weight")->shape.size());
    QTRY_VERIFY_WITH_TIMEOUT(std::abs(kept() - wanted) <= one, kPatience_ms);
    QVERIFY(looks.count() < kMoves);
    QCOMPARE(find<QDoubleSpinBox>("tensor_density")->value(), std::round(1e5 * wanted) / 1e3);
    QTRY_COMPARE_WITH_TIMEOUT(find<LineChart>("energy_chart")->drawn_points(2).size(), 1, kPatience_ms);
    // Typed numbers are not moved to the slider's places.
    find<QDoubleSpinBox>("tensor_density")->setValue(12.345);
    QCOMPARE(page_->tensor_panel().density(), 0.12345);
    QTRY_VERIFY_WITH_TIMEOUT(std::abs(kept() - 0.12345) <= one, kPatience_ms);
}

void CompressionPageTest::phase_and_factors_are_shown() {
    open_and_wait(model_);
    auto* method = find<QComboBox>("tensor_method");
    const auto choose = [&](const char* name) {
        method->setCurrentIndex(method->findData(QLatin1String(name)));
        QTRY_VERIFY_WITH_TIMEOUT(
            page_->tensor_panel().look() && page_->tensor_panel().look()->packed.method == name,
            kPatience_ms);
    };
    choose("fft-int8");
    press("spectrum_card_phase");
    QCOMPARE(find<HeatMap>("spectrum_map")->colour_map(), ColourMapKind::cyclic);
    choose("svd");
    QVERIFY(page_->tensor_panel().look()->marks.empty());
    choose("random-basis");
    QVERIFY(!find<QAbstractButton>("spectrum_card_phase")->isEnabled());
    QCOMPARE(find<HeatMap>("spectrum_map")->colour_map(), ColourMapKind::viridis);
    QVERIFY(!find<QAbstractButton>("tensor_fix")->isEnabled());
    choose("int8");
    QVERIFY(!find<QSlider>("tensor_density_slider")->isEnabled());
}

void CompressionPageTest::budget_is_followed_and_may_be_out_of_reach() {
    open_and_wait(model_);
    const std::int64_t dense = result().dense_bytes;
    for (const double ratio : {2.0, 4.0}) {
        set_ratio(ratio);
        QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
        QVERIFY(static_cast<double>(result().file_bytes) <= static_cast<double>(dense) / ratio);
        QVERIFY(static_cast<double>(result().file_bytes) > 0.7 * static_cast<double>(dense) / ratio);
    }
    find<QComboBox>("budget_method")->setCurrentIndex(find<QComboBox>("budget_method")->findText("FFT"));
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    QCOMPARE(page_->tensor_panel().method(), std::string("fft"));
    set_ratio(100);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->session().packing(), kPatience_ms);
    QVERIFY(text("budget_status").contains(QStringLiteral("the smallest has")));
    QVERIFY(!find<QAbstractButton>("budget_export")->isEnabled());
    QCOMPARE(cell(0, TensorTableModel::kStored), QStringLiteral("–"));
    set_ratio(2);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    QVERIFY(text("budget_status").isEmpty());
    QVERIFY(find<QAbstractButton>("budget_export")->isEnabled());
}

void CompressionPageTest::fixed_tensor_stays() {
    open_and_wait(model_);
    set_ratio(3);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    auto* method = find<QComboBox>("tensor_method");
    method->setCurrentIndex(method->findData(QStringLiteral("fft")));
    find<QDoubleSpinBox>("tensor_density")->setValue(5);
    press("tensor_fix");
    QTRY_VERIFY_WITH_TIMEOUT(page_->session().is_fixed("hidden1/weight") && !page_->busy(), kPatience_ms);
    const auto fixed = [&] { return cell(0, TensorTableModel::kMethod).contains(QStringLiteral("fixed")); };
    QTRY_VERIFY_WITH_TIMEOUT(fixed(), kPatience_ms);
    QTRY_VERIFY_WITH_TIMEOUT(std::abs(result().tensors[0].kept - 0.05) < 0.01, kPatience_ms);
    // It follows the slider, not the budget.
    find<QDoubleSpinBox>("tensor_density")->setValue(10);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->session().packing() && std::abs(result().tensors[0].kept - 0.1) < 0.01,
                             kPatience_ms);
    set_ratio(2);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    QVERIFY(std::abs(result().tensors[0].kept - 0.1) < 0.01);
    press("tensor_fix");
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy() && !fixed(), kPatience_ms);
    QVERIFY(!result().tensors[0].fixed);
}

void CompressionPageTest::fine_tuning_trains_what_is_stored() {
    open_and_wait(model_);
    set_ratio(8);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    const CompressResult packed = result();
    QSignalSpy ended(&page_->session(), &CompressSession::fineTuningEnded);
    press("budget_fine_tune");
    QVERIFY(!find<QAbstractButton>("budget_export")->isEnabled());
    QCOMPARE(find<QAbstractButton>("budget_fine_tune")->text(), QStringLiteral("Cancel"));
    QTRY_COMPARE_WITH_TIMEOUT(ended.count(), 1, kPatience_ms);
    QCOMPARE(find<QAbstractButton>("budget_fine_tune")->text(), QStringLiteral("Fine-tune"));
    QVERIFY(find<QAbstractButton>("budget_export")->isEnabled());
    QVERIFY(!page_->busy());
    QVERIFY(text("budget_accuracy").contains(QStringLiteral("→")));
    QVERIFY(text("budget_status").startsWith(QStringLiteral("fine-tuned, 2 epochs")));
    QVERIFY(result().ratio() >= 8);
    QCOMPARE(result().tensors.size(), packed.tensors.size());
    for (std::size_t i = 0; i < packed.tensors.size(); ++i)
        QCOMPARE(result().tensors[i].method, packed.tensors[i].method);
    QVERIFY(result().relative_error != packed.relative_error);
    const ExperimentConfig config = config_from_json(page_->session().model()->config, "test");
    const FileJudge judge(page_->session().model()->config, config.dataset, config.data,
                          config.dataset_options, "cpu", {});
    QVERIFY(judge.evaluate(result().model).loss < judge.evaluate(packed.model).loss);
}

void CompressionPageTest::fine_tuning_is_cancelled_and_overtaken() {
    open_and_wait(model_);
    find<QSpinBox>("budget_epochs")->setValue(100);
    const CompressSession::Result before = page_->session().result();
    const QString accuracy = text("budget_accuracy");
    QSignalSpy ended(&page_->session(), &CompressSession::fineTuningEnded);
    press("budget_fine_tune");
    press("budget_fine_tune");
    QTRY_COMPARE_WITH_TIMEOUT(ended.count(), 1, kPatience_ms);
    QCOMPARE(page_->session().result(), before);
    QCOMPARE(text("budget_accuracy"), accuracy);
    QVERIFY(find<QAbstractButton>("budget_export")->isEnabled());
    press("budget_fine_tune");
    set_ratio(4);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    QCOMPARE(find<QAbstractButton>("budget_fine_tune")->text(), QStringLiteral("Fine-tune"));
    QVERIFY(find<QAbstractButton>("budget_fine_tune")->isEnabled());
    QVERIFY(result().ratio() >= 4 && result().ratio() < 8);
    QCOMPARE(ended.count(), 1);
    find<QCheckBox>("budget_data")->setChecked(false);
    QTRY_VERIFY_WITH_TIMEOUT(!page_->busy(), kPatience_ms);
    QVERIFY(!find<QAbstractButton>("budget_fine_tune")->isEnabled());
}

void CompressionPageTest::data_that_are_gone_are_no_error() {
    ModelFile file = read_model_file(model_.toStdString());
    file.config["dataset"] = file.dataset = "mnist";
    file.config["dataset_options"] = Json::object();
    file.config["data"] = path("nowhere").toStdString();
    write_model_file(path("moved.h5").toStdString(), file);
    QSignalSpy problems(page_.get(), &CompressionPage::problem);
    open_and_wait(path("moved.h5"));
    QCOMPARE(problems.count(), 0);
    QVERIFY(find<QAbstractButton>("budget_data")->text().contains(QStringLiteral("not found")));
    QVERIFY(find<QAbstractButton>("budget_data")->toolTip().contains(QStringLiteral("nowhere")));
    QCOMPARE(text("budget_accuracy"), QStringLiteral("–"));
    QVERIFY(find<QAbstractButton>("budget_export")->isEnabled());
}

void CompressionPageTest::number_that_is_not_finite_is_named() {
    ModelFile file = read_model_file(model_.toStdString());
    file.layers[0].tensors[0].tensor.values[5] = std::numeric_limits<float>::quiet_NaN();
    write_model_file(path("broken-number.h5").toStdString(), file);
    open(path("broken-number.h5"));
    QTRY_VERIFY_WITH_TIMEOUT(!page_->session().packing(), kPatience_ms);
    QVERIFY(text("budget_status").contains(QStringLiteral("[0, 5] is nan")));
    QTRY_VERIFY_WITH_TIMEOUT(text("tensor_card_subtitle").contains(QStringLiteral("[0, 5] is nan")),
                             kPatience_ms);
}

void CompressionPageTest::export_says_what_was_written() {
    open_and_wait(model_);
    QSignalSpy exported(page_.get(), &CompressionPage::exported);
    page_->export_model(path("small.h5"));
    QTRY_COMPARE_WITH_TIMEOUT(exported.count(), 1, kPatience_ms);
    const ModelFile written = read_model_file(path("small.h5").toStdString());
    ModelFile judged = result().model;
    judged.metrics = written.metrics;  // the judgement came after the result was counted
    QCOMPARE(QFileInfo(path("small.h5")).size(), static_cast<qint64>(model_file_size(judged)));
    QVERIFY(!written.checkpoint);
    QVERIFY(written.metrics.contains("test_accuracy"));
    QVERIFY(relative_error(result().model.layers[0].tensors[0].tensor.values,
                           written.layers[0].tensors[0].tensor.values) < 1e-6);
    auto* report = find<QDialog>("export_report");
    QVERIFY(report->isVisible());
    QVERIFY(report->windowTitle().contains(QStringLiteral("small.h5")));
    QVERIFY(text("export_summary").contains(QStringLiteral("Test accuracy")));
    QCOMPARE(find<QTableView>("export_tensors")->model()->rowCount(), 4);
    press("export_close");
    QVERIFY(find<QAbstractButton>("budget_snippet")->isEnabled());
    // A file that was exported is opened again.
    open_and_wait(path("small.h5"));
    QCOMPARE(page_->tensors()->model()->rowCount(), 4);
}

void CompressionPageTest::export_that_fails_is_a_problem() {
    open_and_wait(model_);
    QSignalSpy problems(page_.get(), &CompressionPage::problem);
    page_->export_model(path("no-such-folder/small.h5"));
    QTRY_COMPARE_WITH_TIMEOUT(problems.count(), 1, kPatience_ms);
    QVERIFY(!find<QAbstractButton>("budget_snippet")->isEnabled());
}

void CompressionPageTest::python_reads_what_was_written() {
    open_and_wait(model_);
    QSignalSpy exported(page_.get(), &CompressionPage::exported);
    page_->export_model(path("for \"python\".h5"));
    QTRY_COMPARE_WITH_TIMEOUT(exported.count(), 1, kPatience_ms);
    press("export_reader");
    QVERIFY(QFile::exists(path("read_model.py")));
    press("export_snippet");
    const QString snippet = QGuiApplication::clipboard()->text();
    press("export_close");
    QCOMPARE(snippet.count(QLatin1Char('\n')), 5);
    QGuiApplication::clipboard()->clear();
    press("budget_snippet");
    QCOMPARE(QGuiApplication::clipboard()->text(), snippet);
    const std::string python = test::python_with_h5py();
    if (python.empty()) QSKIP("no Python with h5py");
    QFile script(path("snippet.py"));
    QVERIFY(script.open(QIODevice::WriteOnly));
    script.write(snippet.toUtf8());
    script.close();
    const std::string output = test::output_of(python, {script.fileName().toStdString()});
    QVERIFY2(output.find("hidden1/weight (512, 64)") != std::string::npos, output.c_str());
}

void CompressionPageTest::whole_model_is_compared_and_cancelled() {
    open_and_wait(model_);
    press("tradeoff_card_whole_model");
    auto* button = find<QAbstractButton>("tradeoff_compare");
    QVERIFY(button->isVisible());
    QSignalSpy ended(&page_->session(), &CompressSession::comparisonEnded);
    QTest::mouseClick(button, Qt::LeftButton);
    QCOMPARE(button->text(), QStringLiteral("Cancel"));
    QTest::mouseClick(button, Qt::LeftButton);
    QTRY_COMPARE_WITH_TIMEOUT(ended.count(), 1, kPatience_ms);
    QCOMPARE(button->text(), QStringLiteral("Compare methods"));
    QVERIFY(!page_->tradeoff_panel().knows({}));
    QTest::mouseClick(button, Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(page_->tradeoff_panel().knows({}), kPatience_ms);
    QTRY_VERIFY_WITH_TIMEOUT(!button->isVisible(), kPatience_ms);
    QVERIFY(find<QAbstractButton>("tradeoff_card_accuracy")->isChecked());
    QVERIFY(page_->tradeoff_panel().chart().series_count() > 5);
}

}  // namespace
}  // namespace spectral::ui

using spectral::ui::CompressionPageTest;
QTEST_MAIN(CompressionPageTest)
#include "compression_page_test.moc"
