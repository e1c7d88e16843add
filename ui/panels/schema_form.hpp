// A form generated from a schema: label, control, range in faint text, help as tooltip, errors in place.
#pragma once

#include <QString>
#include <QStringList>
#include <QWidget>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/schema.hpp"

class QGridLayout;
class QLabel;

namespace spectral::ui {

class FieldEdit;

class SchemaForm : public QWidget {
    Q_OBJECT

public:
    static constexpr int kLabelWidth = 112, kRowHeight = 32;

    explicit SchemaForm(QWidget* parent = nullptr);

    /// Rebuilds the form. Fields absent from `values` get their defaults; values that do not fit the schema
    /// are shown and marked. `owner` names the schema in sentences: "model purefft".
    void set_schema(const Schema& schema, const Json& values, const std::string& owner);
    /// Every field's value; nothing when one is invalid (it is marked then).
    std::optional<Json> values() const;
    bool valid() const { return values().has_value(); }
    /// One field's value; nothing when it is invalid or unknown.
    std::optional<Json> value(const std::string& name) const;
    void set_value(const std::string& name, const Json& value);

    /// An empty text field then stands for its default, shown as `placeholder`.
    void set_placeholder(const std::string& name, const QString& placeholder);
    /// Shown in place of a choice field's values, in their order; `helps` become the items' tooltips.
    void set_choice_titles(const std::string& name, const QStringList& titles, const QStringList& helps = {});
    void set_hint(const std::string& name, const QString& hint);
    void set_field_visible(const std::string& name, bool visible);
    /// Disables every field but `live`.
    void set_locked(bool locked, const std::string& live = {});
    /// The control, objectName "field_<name>"; null for an unknown name.
    QWidget* control(const std::string& name) const;
    /// The fields' schema.
    const Schema& schema() const { return schema_; }

Q_SIGNALS:
    /// The user changed a field; it may be invalid.
    void edited(const QString& name);
    /// Return was pressed in a text field, or it was left, after a change.
    void committed(const QString& name);

private:
    struct Row {
        Field field;
        QLabel* label = nullptr;
        QWidget* control = nullptr;
        FieldEdit* edit = nullptr;  ///< the control, where it is one
        QLabel* problem = nullptr;
        bool dirty = false;
    };

    void add_row(const Field& field, const Json& value, int line);
    void show_value(Row& row, const Json& value);
    /// Throws Error with the reason.
    Json read(const Row& row) const;
    void mark(Row& row);
    /// A field whose condition does not hold is hidden, and its value is the default until it does.
    bool counts(const Row& row) const;
    void show_what_counts();
    void changed(const std::string& name);
    const Row* find(const std::string& name) const;
    Row* find(const std::string& name);

    Schema schema_;
    std::string owner_;
    QGridLayout* grid_;
    std::vector<Row> rows_;
};

}  // namespace spectral::ui
