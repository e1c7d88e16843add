// What the Compression page is made of: its table's model, the worker that forgets what was overtaken, and
// the session that opens files.
#include <QAbstractItemModelTester>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <memory>
#include <semaphore>

#include "engine/train/workspace.hpp"
#include "ui/models/tensor_table_model.hpp"
#include "ui/session/compress_session.hpp"
#include "ui/session/latest_worker.hpp"

namespace spectral::ui {
namespace {

class CompressionPartsTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void worker_does_the_first_and_the_last();
    void table_keeps_to_the_rules_of_models();
    void file_that_was_asked_for_last_is_shown();
};

void CompressionPartsTest::worker_does_the_first_and_the_last() {
    std::binary_semaphore begun(0), go_on(0), over(0);
    std::vector<int> done;
    bool told = false;
    {
        LatestWorker worker;
        worker.submit([&](const std::atomic<bool>& unwanted) {
            begun.release();
            go_on.acquire();
            told = unwanted;
            done.push_back(0);
        });
        begun.acquire();
        for (int i = 1; i <= 10; ++i)
            worker.submit([&, i](const std::atomic<bool>&) {
                done.push_back(i);
                over.release();
            });
        go_on.release();
        over.acquire();
        worker.submit([&](const std::atomic<bool>& unwanted) {
            begun.release();
            go_on.acquire();
            told = told && unwanted;
        });
        begun.acquire();
        worker.submit([&](const std::atomic<bool>&) { done.push_back(11); });
        worker.drop();
        go_on.release();
    }
    QCOMPARE(done, (std::vector<int>{0, 10}));
    QVERIFY(told);
}

void CompressionPartsTest::table_keeps_to_the_rules_of_models() {
    TensorTableModel model;
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    ModelFile file;
    for (const char* name : {"hidden1", "output"}) {
        LayerRecord& layer = file.layers.emplace_back();
        layer.name = name;
        layer.tensors.push_back({"weight", {Shape{8, 32}, std::vector<float>(256, 1)}});
        layer.tensors.push_back({"bias", {Shape{8}, std::vector<float>(8, 1)}});
    }
    model.set_model(file);
    QCOMPARE(model.rowCount(), 4);
    QVERIFY(model.report(model.name(0)) == nullptr);
    TensorReport report;
    report.name = model.name(2);
    report.shape = file.layers.back().tensors.front().tensor.shape;
    report.method = "fft";
    report.dense_bytes = 1024;
    report.stored_bytes = 100;
    report.damage = 3;
    TensorReport other = report;
    other.name = model.name(0);
    other.damage = 1;
    model.set_reports({report, other});
    const auto share = [&](int row) {
        return model.index(row, TensorTableModel::kDamage).data(TensorTableModel::kValueRole).toDouble();
    };
    QCOMPARE(share(2), 0.75);
    QCOMPARE(share(0), 0.25);
    QCOMPARE(model.index(2, TensorTableModel::kMethod).data().toString(), QStringLiteral("fft"));
    QCOMPARE(model.index(1, TensorTableModel::kStored).data().toString(), QStringLiteral("–"));
    QCOMPARE(model.to_csv().count(QLatin1Char('\n')), 5);
    model.clear_reports();
    QCOMPARE(share(2), 0.0);
    model.set_model({});
    QCOMPARE(model.rowCount(), 0);
    model.set_reports({report});
    QCOMPARE(model.rowCount(), 1);
    for (int column = 0; column < TensorTableModel::kColumns; ++column) {
        QVERIFY(!model.headerData(column, Qt::Horizontal).toString().isEmpty());
        QVERIFY(!model.headerData(column, Qt::Horizontal, Qt::ToolTipRole).toString().isEmpty());
    }
}

void CompressionPartsTest::file_that_was_asked_for_last_is_shown() {
    const QTemporaryDir folder;
    const auto zeros = [&](const QString& name, int side) {
        const QString path = folder.filePath(name);
        QFile file(path);
        QByteArray header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + QByteArray::number(side) +
                            ", " + QByteArray::number(side) + "), }";
        header = header.leftJustified(117) + '\n';
        if (file.open(QIODevice::WriteOnly)) {
            file.write(QByteArray("\x93NUMPY\x01\x00\x76\x00", 10) + header);
            file.resize(file.pos() + qint64{4} * side * side);
        }
        return path;
    };
    const QString large = zeros(QStringLiteral("large.npy"), 4096),
                  small = zeros(QStringLiteral("small.npy"), 8);
    CompressSession session(std::make_shared<Workspace>());
    QSignalSpy opened(&session, &CompressSession::opened);
    session.open(large);
    session.open(small);
    QTRY_COMPARE_WITH_TIMEOUT(session.path(), small, 200000);
    QTest::qWait(1000);  // longer than the large one takes
    QCOMPARE(session.path(), small);
    QCOMPARE(opened.count(), 1);
}

}  // namespace
}  // namespace spectral::ui

using spectral::ui::CompressionPartsTest;
QTEST_MAIN(CompressionPartsTest)
#include "compression_parts_test.moc"
