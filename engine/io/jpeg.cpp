// libjpeg reports errors by leaving through longjmp: the functions that it may leave hold nothing that needs
// a destructor, and are each entered through a setjmp of their own.
#include "engine/io/jpeg.hpp"

#include <jerror.h>
#include <jpeglib.h>  // needs FILE, which the header above knows

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <string>

#include "engine/core/error.hpp"

namespace spectral {
namespace {

/// A progressive file may rewrite a large picture in thousands of tiny scans.
constexpr int kMostScans = 200;
constexpr const char* kSaveAgain = "Fetch the picture again, or save it as PNG.";

class Decoder {
public:
    explicit Decoder(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
        info_.err = jpeg_std_error(&errors_);
        info_.client_data = this;
        errors_.error_exit = [](j_common_ptr info) { leave(info); };
        errors_.emit_message = [](j_common_ptr info, int level) {
            // A warning that is not one of these tells that data are missing or wrong.
            const int code = info->err->msg_code;
            if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM) leave(info);
        };
        errors_.output_message = [](j_common_ptr) {};
        progress_.progress_monitor = [](j_common_ptr info) {
            if (info->is_decompressor == 0) return;
            if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMostScans) {
                of(info).too_many_scans_ = true;
                leave(info);
            }
        };
    }
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    ~Decoder() { jpeg_destroy_decompress(&info_); }

    bool begin() {
        if (setjmp(escape_) != 0) return false;
        jpeg_create_decompress(&info_);
        info_.progress = &progress_;
        jpeg_mem_src(&info_, bytes_.data(), bytes_.size());
        jpeg_read_header(&info_, TRUE);
        return true;
    }
    bool cmyk() const { return info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK; }
    std::int64_t width() const { return info_.image_width; }
    std::int64_t height() const { return info_.image_height; }
    /// A file of several scans is decoded when all have come: until then the library keeps the coefficients
    /// of every component, 16 bits each in blocks of 64, up to whole units of the sampling.
    std::size_t coefficient_bytes() {
        if (jpeg_has_multiple_scans(&info_) == FALSE) return 0;
        const auto whole = [](JDIMENSION blocks, int factor) {
            const auto unit = static_cast<std::size_t>(factor);
            return (blocks + unit - 1) / unit * unit;
        };
        std::size_t blocks = 0;
        for (int i = 0; i < info_.num_components; ++i) {
            const jpeg_component_info& each = info_.comp_info[i];
            blocks += whole(each.width_in_blocks, each.h_samp_factor) *
                      whole(each.height_in_blocks, each.v_samp_factor);
        }
        return blocks * sizeof(JBLOCK);
    }
    bool decode(std::uint8_t* rgb, std::size_t coefficient_bytes) {
        if (setjmp(escape_) != 0) return false;
        // Besides the coefficients there are tables, and a few rows on their way.
        const std::size_t rows = (std::size_t{4} << 20) + std::size_t{256} * info_.image_width;
        info_.mem->max_memory_to_use = static_cast<long>(coefficient_bytes + rows);
        info_.out_color_space = JCS_RGB;
        info_.dct_method = JDCT_ISLOW;  // the exact one, the same on every machine
        jpeg_start_decompress(&info_);
        while (info_.output_scanline < info_.output_height) {
            JSAMPROW row = rgb + std::size_t{3} * info_.output_width * info_.output_scanline;
            jpeg_read_scanlines(&info_, &row, 1);
        }
        jpeg_finish_decompress(&info_);
        return true;
    }
    std::string why() const {
        if (too_many_scans_) return "has more than " + std::to_string(kMostScans) + " scans";
        return "is damaged or truncated: " + std::string(message_);
    }

private:
    static Decoder& of(j_common_ptr info) { return *static_cast<Decoder*>(info->client_data); }
    [[noreturn]] static void leave(j_common_ptr info) {
        Decoder& decoder = of(info);
        info->err->format_message(info, decoder.message_);
        std::longjmp(decoder.escape_, 1);
    }

    std::span<const std::uint8_t> bytes_;
    jpeg_decompress_struct info_{};
    jpeg_error_mgr errors_{};
    jpeg_progress_mgr progress_{};
    std::jmp_buf escape_{};
    char message_[JMSG_LENGTH_MAX]{};
    bool too_many_scans_ = false;
};

}  // namespace

Picture read_jpeg(std::span<const std::uint8_t> bytes, const MakePicture& make) {
    Decoder decoder(bytes);
    const auto check = [&](bool done) {
        if (!done) throw Error("picture", decoder.why(), kSaveAgain);
    };
    check(decoder.begin());
    if (decoder.cmyk()) throw Error("picture", "has CMYK colours", "Save it with RGB colours.");
    const std::size_t coefficient_bytes = decoder.coefficient_bytes();
    Picture picture = make(decoder.width(), decoder.height(), coefficient_bytes);
    check(decoder.decode(picture.rgb.data(), coefficient_bytes));
    return picture;
}

}  // namespace spectral
