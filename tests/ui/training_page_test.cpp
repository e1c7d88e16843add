// The Training page alone: the card with text that a model writes by itself.
#include "ui/panels/training_page.hpp"

#include <QLabel>
#include <QPlainTextEdit>
#include <QTest>

#include "ui/card.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/session/run_record.hpp"

namespace spectral::ui {
namespace {

class TrainingPageTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void text_has_a_card_where_the_data_are_text();
    void loss_of_a_text_is_shown_in_bits();
    void says_what_files_do_not_keep();
};

void TrainingPageTest::text_has_a_card_where_the_data_are_text() {
    TrainingPage page;
    page.resize(1000, 700);
    page.show();
    auto* card = page.findChild<Card*>(QStringLiteral("text_card"));
    auto* text = page.findChild<QPlainTextEdit*>(QStringLiteral("generated_text"));
    QVERIFY(card != nullptr && text != nullptr);
    RunRecord record;
    Updates updates;
    updates.info.emplace();
    record.add(updates);
    page.show_record(record);
    QVERIFY(!card->isVisible());

    updates.info->token_unit = "character";
    record.add(updates);
    page.show_record(record);
    QVERIFY(card->isVisible());
    QVERIFY(text->toPlainText().isEmpty());
    QVERIFY(!text->placeholderText().isEmpty());

    updates.text = TextSample{500, 1.5, "To be\nor <b>not</b>"};
    record.add(updates);
    page.show_record(record);
    QCOMPARE(text->toPlainText(), QStringLiteral("To be\nor <b>not</b>"));
    QVERIFY(card->subtitle().contains(QStringLiteral("500")));
    QVERIFY(text->isReadOnly());
    text->selectAll();
    QVERIFY(text->textCursor().hasSelection());

    record.clear();
    page.show_record(record);
    QVERIFY(text->toPlainText().isEmpty());
    QVERIFY(!card->isVisible());
}

void TrainingPageTest::loss_of_a_text_is_shown_in_bits() {
    TrainingPage page;
    page.resize(1000, 700);
    page.show();
    auto* bits = page.findChild<QLabel*>(QStringLiteral("loss_bits"));
    QVERIFY(bits != nullptr);
    Updates updates;
    updates.evaluations.push_back({10, 1.0, 1.5, 0.4, 0, 0});
    RunRecord record;
    record.add(updates);
    page.show_record(record);
    QVERIFY(!bits->isVisible());
    record.set_token_unit("character");
    page.hide();
    page.show();  // brought up to date
    QVERIFY(bits->isVisible());
    QCOMPARE(bits->text(), QStringLiteral("test: 2.164 bits per character"));  // 1.5 / ln 2
}

void TrainingPageTest::says_what_files_do_not_keep() {
    TrainingPage page;
    page.resize(1000, 700);
    page.show();
    const auto* confusion = page.confusion_map();
    QVERIFY(confusion->empty_text().contains(QStringLiteral("first evaluation")));
    Updates updates;
    updates.evaluations.push_back({10, 1.0, 1.5, 0.4, 0, 0});
    RunRecord record;
    record.add(updates);
    page.show_record(record);
    QVERIFY(confusion->empty_text().contains(QStringLiteral("do not keep")));
    updates.info.emplace();
    record.add(updates);
    page.show_record(record);
    QVERIFY(confusion->empty_text().contains(QStringLiteral("first evaluation")));
}

}  // namespace
}  // namespace spectral::ui

QTEST_MAIN(spectral::ui::TrainingPageTest)
#include "training_page_test.moc"
