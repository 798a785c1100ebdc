#include "common/base/allowed_folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/text_format.h"

namespace sluice {
namespace {

constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC;

// Every part is a name: neither empty nor `.` nor `..`.
bool HasOnlyNames(std::string_view path) {
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

AllowedFolders AllowedFolders::Everywhere() {
  AllowedFolders all({});
  all.everywhere_ = true;
  return all;
}

AllowedFolders::AllowedFolders(std::vector<std::string> folders) : folders_(std::move(folders)) {
  for (std::string& folder : folders_) {
    while (folder.ends_with('/')) folder.pop_back();
  }
}

const std::string* AllowedFolders::FolderOf(std::string_view path) const {
  const auto below = [&](const std::string& folder) {
    return path.size() > folder.size() + 1 && path.starts_with(folder) &&
           path[folder.size()] == '/' && HasOnlyNames(path.substr(folder.size() + 1));
  };
  const auto found = std::find_if(folders_.begin(), folders_.end(), below);
  return found == folders_.end() ? nullptr : &*found;
}

bool AllowedFolders::Allows(std::string_view path) const {
  return everywhere_ || (!HasControlCharacter(path) && FolderOf(path) != nullptr);
}

std::string AllowedFolders::Text() const {
  if (everywhere_) return "any folder";
  if (folders_.empty()) return "no folder";
  std::vector<std::string> texts = folders_;
  for (std::string& text : texts) {
    if (text.empty()) text = "/";
  }
  return fmt::format("{}", fmt::join(texts, " or "));
}

Result<UniqueFd> AllowedFolders::OpenParent(std::string_view path) const {
  const std::string* allowed = FolderOf(path);
  const std::size_t name = path.rfind('/') + 1;
  const auto open = [&](int at, const std::string& part, int flags) -> Result<UniqueFd> {
    UniqueFd folder(::openat(at, part.c_str(), kFolder | flags));
    if (folder) return folder;
    // With O_DIRECTORY a link is "not a directory".
    const bool link = (flags & O_NOFOLLOW) != 0 && (errno == ELOOP || errno == ENOTDIR);
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("{}: '{}' on the way {}", Quoted(path), part,
                            link ? "is a link or no folder, and links are not followed"
                                 : fmt::format("cannot be opened: {}", std::strerror(errno))));
  };
  if (allowed == nullptr) return open(AT_FDCWD, std::string(path.substr(0, name)), 0);
  auto folder = open(AT_FDCWD, *allowed + "/", 0);
  for (std::size_t at = allowed->size() + 1; folder && at < name;) {
    const std::size_t slash = path.find('/', at);
    folder = open(folder->get(), std::string(path.substr(at, slash - at)), O_NOFOLLOW);
    at = slash + 1;
  }
  return folder;
}

std::string FileNameOf(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace sluice
