// How the window writes numbers: grouped digits, SI prefixes, bytes, and words that stand out in a muted
// line.
#pragma once

#include <QString>
#include <cstddef>
#include <cstdint>
#include <string>

namespace spectral::ui {

/// "1,804"
QString grouped(std::int64_t value);
/// "393 frequency bins", "1 frequency bin"
QString counted(std::int64_t count, const std::string& what);
/// "5.9 M", "812": three significant digits and an SI prefix.
QString with_prefix(double value);
/// "212 MiB"
QString human_bytes(std::size_t bytes);
/// "85.5 %"; `fraction` in [0, 1].
QString percent(double fraction);
/// Shortest text of a learning rate: "0.001", "1e-05".
QString short_real(double value);
/// HTML that stands out in a muted label, in the theme's text colour.
QString strong(const QString& text);
/// HTML in the theme's muted colour.
QString muted(const QString& text);

}  // namespace spectral::ui
