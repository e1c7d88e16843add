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
#include "ui/panels/message_bar.hpp"
#include "ui/panels/tiles_panel.hpp"

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

    void the_window_closes_when_the_tiles_are_stopped() {
        open_window(MainWindow::Page::attention);
        find<QSpinBox>("tiles_sequence")->setValue(4096);
        press("tiles_measure");
        QVERIFY(window_->attention_page().tiles().measuring());
        window_->close();
        QVERIFY(window_->isVisible());  // and did not wait
        QVERIFY(window_->messages().text().contains(QStringLiteral("measurement")));
        QTRY_VERIFY_WITH_TIMEOUT(!window_->isVisible(), kPatience_ms);
        QVERIFY(!window_->attention_page().tiles().measuring());
    }

    void a_file_that_nobody_looks_at_is_let_go() {
        const auto workspace = std::make_shared<Workspace>();
        RunSession session(workspace);
        RunOptions options;
        options.out = folder_.filePath(QStringLiteral("model.h5")).toStdString();
        session.start(text_config(1), options);
        QTRY_VERIFY_WITH_TIMEOUT(session.state() == RunState::finished, kPatience_ms);
        const auto file_held = [&] {
            for (const MemoryHolder& holder : workspace->budget().snapshot().holders)
                if (holder.name == "model file to look at") return holder.bytes;
            return std::size_t{0};
        };
        QCOMPARE(file_held(), std::size_t{0});
        session.look_at_attention(AttentionRequest{.text = "the shore"});
        QTRY_VERIFY_WITH_TIMEOUT(session.record().attention() != nullptr, kPatience_ms);
        QVERIFY(session.record().attention()->analysis);
        QVERIFY(file_held() > 0);
        const std::size_t held = workspace->budget().total().current;
        session.look_at_attention(std::nullopt);
        QTRY_COMPARE_WITH_TIMEOUT(file_held(), std::size_t{0}, kPatience_ms);
        QVERIFY(workspace->budget().total().current < held);
        session.look_at_attention(AttentionRequest{.text = "the wave"});
        QTRY_COMPARE_WITH_TIMEOUT(session.record().attention()->tokens.size(), std::size_t{8}, kPatience_ms);
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
