#include "ui/panels/export_report.hpp"

#include <QClipboard>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTableView>
#include <QVBoxLayout>

#include "ui/charts/export.hpp"
#include "ui/models/tensor_table_model.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/table.hpp"
#include "ui/theme.hpp"

// Resources of a static library are registered by hand, from outside of any namespace.
static void register_reader() { Q_INIT_RESOURCE(python); }

namespace spectral::ui {

namespace {

constexpr QSize kSize{720, 400};

/// As a Python text.
QString quoted(const QString& text) {
    QString escaped = text;
    escaped.replace(QLatin1Char('\\'), QStringLiteral("\\\\"))
        .replace(QLatin1Char('"'), QStringLiteral("\\\""));
    return QLatin1Char('"') + escaped + QLatin1Char('"');
}

QString summary(const ExportReport& report) {
    QString text =
        ExportReportDialog::tr("%1 instead of %2 dense: %3 × smaller, relative error %4.")
            .arg(human_bytes(static_cast<std::size_t>(report.file_bytes)),
                 human_bytes(static_cast<std::size_t>(report.dense_bytes)),
                 QString::number(static_cast<double>(report.dense_bytes) /
                                     static_cast<double>(std::max<std::int64_t>(1, report.file_bytes)),
                                 'f', 2),
                 QString::number(report.relative_error, 'f', 4));
    if (report.accuracy_before && report.accuracy_after)
        text += ExportReportDialog::tr(" Test accuracy %1 % before, %2 % after.")
                    .arg(QString::number(100 * *report.accuracy_before, 'f', 2),
                         QString::number(100 * *report.accuracy_after, 'f', 2));
    return text;
}

}  // namespace

QString python_snippet(const QString& path) {
    const QFileInfo file(path);
    return QStringLiteral(
               "import sys; sys.path.append(%1)  # with read_model.py, h5py and NumPy\n"
               "from read_model import read_model\n"
               "weights = read_model(%2)\n"
               "for name, tensor in weights.items():\n"
               "    print(name, tensor.shape)\n")
        .arg(quoted(file.absolutePath()), quoted(file.absoluteFilePath()));
}

bool write_reader(const QString& model) {
    register_reader();
    QFile reader(QStringLiteral(":/python/read_model.py"));
    const QString path = QFileInfo(model).absolutePath() + QStringLiteral("/read_model.py");
    if (!reader.open(QIODevice::ReadOnly)) return false;
    const QByteArray text = reader.readAll();
    if (QFile other(path); other.exists())
        return other.open(QIODevice::ReadOnly) && other.readAll() == text;  // somebody's own stays
    return write_text_file(path, QString::fromUtf8(text));
}

ExportReportDialog::ExportReportDialog(const ExportReport& report, QWidget* parent) : QDialog(parent) {
    setObjectName(QStringLiteral("export_report"));
    setWindowTitle(tr("Written: %1").arg(QFileInfo(report.path).fileName()));
    setAttribute(Qt::WA_DeleteOnClose);
    resize(kSize);
    auto* column = new QVBoxLayout(this);
    column->setSpacing(10);
    auto* where = new QLabel(QDir::toNativeSeparators(report.path));
    where->setTextInteractionFlags(Qt::TextSelectableByMouse);
    where->setWordWrap(true);
    set_role(*where, QStringLiteral("title"));
    column->addWidget(where);
    auto* what = new QLabel(summary(report));
    what->setObjectName(QStringLiteral("export_summary"));
    what->setWordWrap(true);
    column->addWidget(what);
    auto* model = new TensorTableModel(this);
    model->set_reports(report.tensors);
    QTableView* table = make_table("export_tensors", tr("Tensors as they were written"), model);
    table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    table->horizontalHeader()->setSectionResizeMode(TensorTableModel::kTensor, QHeaderView::Stretch);
    table->setColumnHidden(TensorTableModel::kDamage, true);
    column->addWidget(table, 1);
    auto* row = new QHBoxLayout;
    auto* copy = new QPushButton(tr("Copy Python snippet"));
    copy->setObjectName(QStringLiteral("export_snippet"));
    copy->setToolTip(tr("Five lines that read the file; they need read_model.py beside it"));
    auto* reader = new QPushButton(tr("Save read_model.py beside it"));
    reader->setObjectName(QStringLiteral("export_reader"));
    reader->setToolTip(tr("The reader for every form of tensor: a page of Python on h5py and NumPy"));
    auto* close = new QPushButton(tr("Close"));
    close->setObjectName(QStringLiteral("export_close"));
    set_role(*close, QStringLiteral("primary"));
    close->setDefault(true);
    for (QPushButton* button : {copy, reader, close}) button->setAccessibleName(button->text());
    close->setToolTip(tr("Close (Esc)"));
    for (QPushButton* button : {copy, reader}) row->addWidget(button);
    row->addStretch(1);
    row->addWidget(close);
    column->addLayout(row);
    connect(close, &QPushButton::clicked, this, &QDialog::accept);
    connect(copy, &QPushButton::clicked, this, [path = report.path, copy] {
        QGuiApplication::clipboard()->setText(python_snippet(path));
        copy->setText(tr("Copied"));
    });
    connect(reader, &QPushButton::clicked, this, [path = report.path, reader] {
        const bool written = write_reader(path);
        reader->setText(written ? tr("read_model.py saved") : tr("another read_model.py is there"));
        reader->setEnabled(!written);
    });
}

}  // namespace spectral::ui
