// What an export of a compressed model wrote, and how to read it from Python.
#pragma once

#include <QDialog>
#include <QString>

#include "ui/session/compress_session.hpp"

namespace spectral::ui {

/// Five lines that print every tensor of the model at `path`; read_model.py lies beside it.
QString python_snippet(const QString& path);

/// read_model.py beside `model`, for the snippet to find; false where it cannot be written or another file
/// has its name.
bool write_reader(const QString& model);

class ExportReportDialog : public QDialog {
    Q_OBJECT

public:
    explicit ExportReportDialog(const ExportReport& report, QWidget* parent = nullptr);
};

}  // namespace spectral::ui
