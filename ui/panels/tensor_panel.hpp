// One tensor by one method at one rate: weights, spectrum with what is kept, reconstruction, difference, and
// the energy against what is kept.
#pragma once

#include <QWidget>
#include <memory>
#include <string>

#include "ui/session/compress_session.hpp"

class QAction;
class QComboBox;
class QLabel;
class QPushButton;

namespace spectral::ui {

class Card;
class HeatMap;
class LineChart;
class LogSlider;

class TensorPanel : public QWidget {
    Q_OBJECT

public:
    explicit TensorPanel(QWidget* parent = nullptr);

    /// A card of its own, for the page to place.
    QWidget* energy_card() const;

    /// Methods that fit the shape are offered.
    void set_tensor(const std::string& name, const Shape& shape);
    const std::string& tensor() const { return tensor_; }
    /// Without lookWanted().
    void choose(const std::string& method, double density, bool fixed);
    std::string method() const;
    double density() const;
    bool fixes() const;
    void show_view(const CompressSession::View& view);
    void show_look(const CompressSession::Look& look);
    void show_problem(const QString& what);
    const CompressSession::Look& look() const { return look_; }

Q_SIGNALS:
    /// Method or rate were changed by hand.
    void lookWanted();
    void fixToggled(bool on);

private:
    QWidget* build_controls();
    QWidget* build_maps();
    void build_energy();
    HeatMap* add_map(Card& card, const char* name, const QString& accessible);
    void show_spectrum();
    void show_energy();
    void show_fix();

    std::string tensor_;
    CompressSession::View view_;
    CompressSession::Look look_;

    Card* controls_ = nullptr;
    QComboBox* method_ = nullptr;
    LogSlider* density_ = nullptr;
    QLabel* figures_ = nullptr;
    QPushButton* fix_ = nullptr;
    Card *weights_card_ = nullptr, *spectrum_card_ = nullptr, *reconstruction_card_ = nullptr,
         *difference_card_ = nullptr, *energy_card_ = nullptr;
    HeatMap *weights_ = nullptr, *spectrum_ = nullptr, *reconstruction_ = nullptr, *difference_ = nullptr;
    QAction* phase_ = nullptr;
    LineChart* energy_ = nullptr;
};

}  // namespace spectral::ui
