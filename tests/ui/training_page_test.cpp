// The Training page alone: the card with text that a model writes by itself.
#include "ui/panels/training_page.hpp"

#include <QPlainTextEdit>
#include <QTest>

#include "ui/card.hpp"
#include "ui/session/run_record.hpp"

namespace spectral::ui {
namespace {

class TrainingPageTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void text_has_a_card_where_the_data_are_text();
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

}  // namespace
}  // namespace spectral::ui

QTEST_MAIN(spectral::ui::TrainingPageTest)
#include "training_page_test.moc"
