// Replaces files as a whole: temporary name, flush to the disk, rename. Hashes with OpenSSL.
#include "engine/core/files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"

namespace spectral {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPartMark = ".part-";

std::string message(int error) { return std::generic_category().message(error); }

/// A place that can never be written to is a mistake of who named it; a disk that gives out is not.
[[noreturn]] void fail(const fs::path& path, int error) {
    const std::string why = "cannot be written: " + message(error);
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        throw FailedRun(path.string(), why, "Free some space, or choose another disk.");
    if (error == EIO) throw FailedRun(path.string(), why, "Check the disk, or choose another.");
    const bool refused = error == EACCES || error == EPERM || error == EROFS;
    throw Error(path.string(), why, refused ? "Choose a folder that you may write to." : "");
}

class Descriptor {
public:
    explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    int get() const { return descriptor_; }
    /// Some file systems report a full disk only here. 0 or errno.
    int close() { return ::close(std::exchange(descriptor_, -1)) == 0 ? 0 : errno; }

private:
    int descriptor_;
};

/// Temporary names of this process, so that two threads writing the same file do not take each other's for
/// stale.
std::mutex names_mutex;
std::set<fs::path> names_in_use;

/// The process that a temporary name beside `name` belongs to.
std::optional<pid_t> owner_of(std::string_view file, const std::string& name) {
    const std::string start = name + kPartMark;
    if (!file.starts_with(start)) return std::nullopt;
    const std::string_view rest = file.substr(start.size());
    pid_t process = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), process);
    const bool whole = end == rest.data() + rest.size() || *end == '-';
    return error == std::errc() && whole && process > 0 ? std::optional(process) : std::nullopt;
}

/// What crashed processes left beside `target`.
void remove_stale(const fs::path& directory, const fs::path& target) {
    const std::string name = target.filename().string();
    std::error_code ignored;
    for (fs::directory_iterator entry(directory, ignored), end; !ignored && entry != end;
         entry.increment(ignored)) {
        const auto owner = owner_of(entry->path().filename().string(), name);
        if (!owner) continue;
        const bool dead = *owner == ::getpid() ? !names_in_use.contains(directory / entry->path().filename())
                                               : ::kill(*owner, 0) != 0 && errno == ESRCH;
        std::error_code not_removed;
        if (dead) fs::remove(entry->path(), not_removed);
    }
}

/// An empty file with a name of its own beside `target`; gone on destruction unless renamed.
class TemporaryFile {
public:
    TemporaryFile(const fs::path& directory, const fs::path& target, std::optional<mode_t> mode) {
        const std::lock_guard lock(names_mutex);
        remove_stale(directory, target);
        const std::string base = target.filename().string() + kPartMark + std::to_string(::getpid());
        for (int attempt = 1;; ++attempt) {
            path_ = directory / (attempt == 1 ? base : base + "-" + std::to_string(attempt));
            if (names_in_use.contains(path_)) continue;
            const Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
            if (file.get() < 0 && errno == EEXIST && attempt < 1000) continue;
            if (file.get() < 0) fail(target, errno);
            if (mode) (void)!::fchmod(file.get(), *mode);
            break;
        }
        names_in_use.insert(path_);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        const std::lock_guard lock(names_mutex);
        if (!renamed_) ::unlink(path_.c_str());
        names_in_use.erase(path_);
    }

    const fs::path& path() const { return path_; }

    void flush_and_rename(const fs::path& target) {
        Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (file.get() < 0 || ::fsync(file.get()) != 0) fail(target, errno);
        if (const int error = file.close()) fail(target, error);
        if (::rename(path_.c_str(), target.c_str()) != 0) fail(target, errno);
        renamed_ = true;
    }

private:
    fs::path path_;
    bool renamed_ = false;
};

void flush_directory(const fs::path& directory) {
    const Descriptor file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Not every file system knows this; the new file is in place either way.
    if (file.get() >= 0) (void)!::fsync(file.get());
}

/// Follows a symbolic link at `path`, so that the file it names is replaced and not the link.
fs::path real_target(const fs::path& path) {
    std::error_code error;
    if (!fs::is_symlink(path, error)) return path;
    fs::path target = fs::weakly_canonical(path, error);
    return error ? path : target;
}

/// Where the new file goes and the access rights it keeps.
struct Place {
    fs::path target, directory;
    std::optional<mode_t> mode;
};

Place find_place(const fs::path& path) {
    if (!path.has_filename()) throw Error(path.string(), "is no file name");
    Place place;
    place.target = real_target(path);
    place.directory = place.target.has_parent_path() ? place.target.parent_path() : fs::path(".");
    struct stat status {};
    if (::stat(place.directory.c_str(), &status) != 0)
        throw Error(path.string(),
                    "cannot be written: folder " + place.directory.string() + ": " + message(errno),
                    "Create the folder first, or choose another.");
    if (!S_ISDIR(status.st_mode))
        throw Error(path.string(), "cannot be written: " + place.directory.string() + " is not a folder");
    if (::stat(place.target.c_str(), &status) != 0) return place;
    if (S_ISDIR(status.st_mode)) throw Error(path.string(), "is a folder", "Give the name of a file.");
    if (!S_ISREG(status.st_mode))
        throw Error(path.string(), "is not a regular file, so it cannot be replaced",
                    "Give the name of a new or an ordinary file.");
    if (::access(place.target.c_str(), W_OK) != 0) fail(path, errno);
    place.mode = status.st_mode & 0777U;
    return place;
}

}  // namespace

void require_replaceable(const fs::path& path) {
    const Place place = find_place(path);
    const TemporaryFile probe(place.directory, place.target, place.mode);
}

void replace_file(const fs::path& path, const std::function<void(const fs::path&)>& write) {
    const Place place = find_place(path);
    TemporaryFile temporary(place.directory, place.target, place.mode);
    write(temporary.path());
    temporary.flush_and_rename(place.target);
    flush_directory(place.directory);
}

void replace_file(const fs::path& path, std::string_view contents) {
    replace_file(path, [&](const fs::path& temporary) {
        Descriptor file(::open(temporary.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
        if (file.get() < 0) fail(path, errno);
        for (std::string_view rest = contents; !rest.empty();) {
            const ssize_t written = ::write(file.get(), rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) fail(path, written < 0 ? errno : ENOSPC);
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        if (const int error = file.close()) fail(path, error);
    });
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr) throw std::bad_alloc();
    if (EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) != 1) {
        EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
        throw Error("SHA-256", "OpenSSL does not offer it");
    }
}

Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256::update(std::span<const std::byte> bytes) {
    if (EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) != 1)
        throw Error("SHA-256", "OpenSSL failed");
}

std::string Sha256::hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), digest, &size) != 1)
        throw Error("SHA-256", "OpenSSL failed");
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
        text += "0123456789abcdef"[digest[i] >> 4U];
        text += "0123456789abcdef"[digest[i] & 15U];
    }
    return text;
}

std::string sha256(std::span<const std::byte> bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.hex();
}

std::string sha256_of_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) fail(path, errno);
    Sha256 hash;
    std::vector<char> piece(std::size_t{1} << 16);
    while (file.read(piece.data(), std::ssize(piece)) || file.gcount() > 0)
        hash.update(std::as_bytes(std::span(piece).first(static_cast<std::size_t>(file.gcount()))));
    if (file.bad()) fail(path, errno);
    return hash.hex();
}

}  // namespace spectral
