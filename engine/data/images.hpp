// Pictures in one folder for each class.
#pragma once

#include "engine/data/dataset.hpp"

namespace spectral {

const Schema& images_schema();

/// From a directory or a tar archive (gzip or not): every PNG and JPEG file in it, of the class that the
/// folder is named in which it lies; folders that all have in common are left out of the names. Classes and
/// samples are in the order of their names. A picture is for testing where a hash of class and file name says
/// so, so that it stays where it is when others come and go. Throws Error naming the file that is damaged,
/// too large or in no folder.
Dataset load_images(const DatasetRequest& request);

}  // namespace spectral
