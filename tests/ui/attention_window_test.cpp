// The attention of a run, and of a model file, in the window.
#include <QComboBox>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QTest>

#include "tests/ui/window_fixture.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/map_grid.hpp"
#include "ui/panels/attention_page.hpp"

namespace spectral::ui {

class AttentionWindowTest : public QObject, protected WindowFixture {
    Q_OBJECT

    /// A small model of a text that is short too.
    ExperimentConfig text_config(std::int64_t epochs) {
        QFile text(folder_.filePath(QStringLiteral("text.txt")));
        if (!text.exists() && text.open(QIODevice::WriteOnly))
            for (int i = 0; i < 60; ++i)
                text.write("the long wave meets the shore " + QByteArray::number(i) + "\n");
        ExperimentConfig config;
        config.dataset = "text";
        config.data = text.fileName().toStdString();
        config.dataset_options = {{"context", 16}};
        config.model = "char-transformer";
        config.model_options = {{"width", 8}, {"layers", 2}, {"heads", 2}};
        config.batch = 16;
        config.epochs = epochs;
        config.threads = 1;
        return config;
    }

private Q_SLOTS:
    void initTestCase() { use_own_settings(); }
    void cleanup() { close_window(); }

    void the_window_shows_a_run_and_then_its_file() {
        open_window(MainWindow::Page::attention);
        AttentionPage& page = window_->attention_page();
        window_->set_config(text_config(kEndless));
        window_->start(true);
        const auto& record = window_->session().record();
        QTRY_VERIFY_WITH_TIMEOUT(record.attention() && record.attention()->analysis, kPatience_ms);
        QCOMPARE(page.findChild<MapGrid*>(QStringLiteral("attention_maps"))->count(), 2);
        window_->session().step();
        QTRY_VERIFY_WITH_TIMEOUT(record.attention()->step >= 1, kPatience_ms);
        page.findChild<QSpinBox*>(QStringLiteral("attention_sample"))->setValue(2);
        QTRY_VERIFY_WITH_TIMEOUT(!page.busy() && record.attention()->request.sample == 1, kPatience_ms);
        // Hidden it costs nothing: no newer view arrives with the next steps.
        window_->show_page(MainWindow::Page::training);
        const auto last = record.attention();
        window_->session().step();
        window_->session().step();
        QTRY_VERIFY_WITH_TIMEOUT(record.steps().back().step >= 3, kPatience_ms);
        QVERIFY(record.attention() == last || record.attention()->step < 3);
        stop_and_wait();

        window_->show_page(MainWindow::Page::attention);
        page.findChild<QComboBox*>(QStringLiteral("attention_block"))->setCurrentIndex(1);
        QTRY_VERIFY_WITH_TIMEOUT(!page.busy() && record.attention()->request.block == 1, kPatience_ms);
        QVERIFY(record.attention()->analysis);
        QCOMPARE(record.attention()->step, 3);
    }

    void a_file_without_its_data_is_looked_at_with_own_texts() {
        open_window();
        window_->set_config(text_config(1));
        window_->start();
        QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
        const QString path = window_->session().output();
        close_window();
        QVERIFY(QFile::remove(folder_.filePath(QStringLiteral("text.txt"))));
        open_window(MainWindow::Page::attention);
        window_->open_model(path);
        const auto& record = window_->session().record();
        AttentionPage& page = window_->attention_page();
        QTRY_VERIFY_WITH_TIMEOUT(record.attention() && !page.busy(), kPatience_ms);
        auto* empty = page.findChild<QLabel*>(QStringLiteral("attention_empty"));
        QVERIFY(empty->isVisible());
        QVERIFY(empty->text().contains(QStringLiteral("Type a text of your own")));
        page.findChild<QComboBox*>(QStringLiteral("attention_source"))->setCurrentIndex(1);
        page.findChild<QLineEdit*>(QStringLiteral("attention_text"))->setText(QStringLiteral("the shore"));
        QTRY_VERIFY_WITH_TIMEOUT(!page.busy(), kPatience_ms);
        QVERIFY(!empty->isVisible());
        QCOMPARE(page.findChild<HeatMap*>(QStringLiteral("attention_map"))->rows(), 9);
        page.findChild<QLineEdit*>(QStringLiteral("attention_text"))->setText(QStringLiteral("ж"));
        QTRY_VERIFY_WITH_TIMEOUT(!page.busy(), kPatience_ms);
        QVERIFY(empty->isVisible());
    }
};

}  // namespace spectral::ui

QTEST_MAIN(spectral::ui::AttentionWindowTest)
#include "attention_window_test.moc"
