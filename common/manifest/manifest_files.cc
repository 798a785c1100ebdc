#include "common/manifest/manifest_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/base/limits.h"
#include "common/base/text_format.h"

namespace sluice::manifest {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> FailErrno(const char* what, int error) {
  const ErrorCode code = error == ENOENT   ? ErrorCode::kNotFound
                         : error == EACCES ? ErrorCode::kPermissionDenied
                                           : ErrorCode::kUnavailable;
  return Fail(code, fmt::format("{}: {}", what, std::strerror(error)));
}

tl::unexpected<Error> FailTooBig(std::size_t most) {
  return Fail(ErrorCode::kResourceExhausted,
              fmt::format("the file must have at most {}, got more", FormatSize(most)));
}

bool IsManifestName(const fs::path& path) {
  const std::string extension = path.extension();
  return !path.filename().string().starts_with('.') &&
         (extension == ".yaml" || extension == ".yml" || extension == ".json");
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& file)
      : standard_input_(file == "-"),
        fd_(standard_input_ ? STDIN_FILENO : open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (!standard_input_ && fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  const bool standard_input_;
  const int fd_;
};

}  // namespace

Result<std::vector<std::string>> ManifestFilesAt(const std::string& path) {
  std::error_code error;
  if (path == "-" || !fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code unknown_type;
    if (!IsManifestName(entry->path()) || entry->is_directory(unknown_type)) continue;
    if (files.size() >= limits::kManifestFiles) {
      return Fail(ErrorCode::kResourceExhausted,
                  fmt::format("the folder must have at most {} manifest files, got more",
                              limits::kManifestFiles));
    }
    files.push_back(entry->path());
  }
  if (error) return FailErrno("the folder cannot be listed", error.value());
  if (files.empty()) {
    return Fail(ErrorCode::kNotFound,
                "the folder must have at least one *.yaml, *.yml or *.json, got none");
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::string> ReadManifestFile(const std::string& file, std::size_t most_bytes) {
  const std::size_t most = std::min(most_bytes, limits::kManifestBytes);
  const OpenFile open_file(file);
  if (open_file.fd() < 0) return FailErrno("the file cannot be opened", errno);
  struct stat status;
  if (fstat(open_file.fd(), &status) == 0 && S_ISREG(status.st_mode) &&
      static_cast<std::size_t>(status.st_size) > most) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("the file must have at most {}, got {} bytes", FormatSize(most),
                            status.st_size));
  }
  std::string text;
  constexpr std::size_t kPiece = 64 * 1024;
  for (std::size_t size = 0;;) {
    text.resize(size + kPiece);
    const ssize_t got = read(open_file.fd(), text.data() + size, kPiece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("the file cannot be read", errno);
    size += static_cast<std::size_t>(got);
    if (size > most) return FailTooBig(most);
    if (got == 0) {
      text.resize(size);
      return text;
    }
  }
}

}  // namespace sluice::manifest
