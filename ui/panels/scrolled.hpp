// What every page of cards stands in.
#pragma once

class QWidget;

namespace spectral::ui {

/// Gives `page` a column whose first part scrolls up and down, never sideways; returns what is scrolled.
QWidget* make_scrolled(QWidget& page, const char* object_name);

}  // namespace spectral::ui
