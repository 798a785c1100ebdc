#include "dataplane/control/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/base/limits.h"
#include "common/base/sha256.h"
#include "common/model/validate.h"
#include "sluice/v1/saved_state.pb.h"

namespace sluice::dataplane {
namespace {

// One text line, then the hash in hex, then a serialised v1::SavedState.
constexpr std::string_view kMagic = "sluice saved state 1\n";
constexpr std::size_t kHashBytes = 64;

tl::unexpected<Error> SystemFailure(std::string_view what, const std::string& path) {
  return Fail(ErrorCode::kUnavailable, fmt::format("cannot {} '{}': {}", what, path,
                                                   std::generic_category().message(errno)));
}

tl::unexpected<Error> Damaged(const std::string& path, std::string_view why) {
  return Fail(ErrorCode::kDataLoss, fmt::format("saved state '{}' is damaged: {}", path, why));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void Save(const HeldResource& held, v1::SavedResource& saved) {
  saved.set_type_url(std::string(held.resource->kind().type_url));
  saved.set_name(held.resource->key().DiscoveryName());
  saved.set_version(held.version);
  *saved.mutable_content() = held.resource->ToAny();
}

Result<HeldResource> Load(const v1::SavedResource& saved) {
  Result<model::Resource> resource = model::Resource::FromAny(saved.content());
  if (!resource) return tl::unexpected(resource.error());
  if (const model::Violations& violations = resource->violations(); !violations.empty()) {
    return Fail(ErrorCode::kDataLoss,
                fmt::format("{} is invalid: {}", saved.name(), violations.front().message));
  }
  return HeldResource{std::make_shared<const model::Resource>(*std::move(resource)),
                      saved.version()};
}

Result<ResourceUpdate> LoadInstead(const v1::SavedResource& saved) {
  if (saved.has_content()) {
    Result<HeldResource> held = Load(saved);
    if (!held) return tl::unexpected(held.error());
    return ResourceUpdate{held->resource->key(), *held};
  }
  const model::Kind* kind = model::FindKindByTypeUrl(saved.type_url());
  const std::size_t slash = saved.name().find('/');
  if (kind == nullptr || slash == std::string::npos) {
    return Fail(ErrorCode::kDataLoss, fmt::format("unknown object '{}'", saved.name()));
  }
  return ResourceUpdate{{kind, saved.name().substr(0, slash), saved.name().substr(slash + 1)}, {}};
}

Result<SavedSnapshot> Decode(std::string_view bytes) {
  v1::SavedState state;
  if (!state.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Fail(ErrorCode::kDataLoss, "its content does not parse");
  }
  SavedSnapshot snapshot;
  snapshot.accepted.generation = state.generation();
  snapshot.accepted.digest = state.digest();
  snapshot.accepted.generation_version = state.generation_version();
  for (const v1::SavedResource& saved : state.accepted()) {
    Result<HeldResource> held = Load(saved);
    if (!held) return tl::unexpected(held.error());
    snapshot.accepted.resources.push_back(*std::move(held));
  }
  for (const v1::SavedResource& saved : state.in_force_instead()) {
    Result<ResourceUpdate> update = LoadInstead(saved);
    if (!update) return tl::unexpected(update.error());
    snapshot.in_force_instead.push_back(*std::move(update));
  }
  return snapshot;
}

std::string Encode(const SavedSnapshot& snapshot) {
  v1::SavedState state;
  state.set_generation(snapshot.accepted.generation);
  state.set_digest(snapshot.accepted.digest);
  state.set_generation_version(snapshot.accepted.generation_version);
  for (const HeldResource& held : snapshot.accepted.resources) Save(held, *state.add_accepted());
  for (const ResourceUpdate& instead : snapshot.in_force_instead) {
    v1::SavedResource& saved = *state.add_in_force_instead();
    if (instead.held.resource != nullptr) {
      Save(instead.held, saved);
    } else {
      saved.set_type_url(std::string(instead.key.kind->type_url));
      saved.set_name(instead.key.DiscoveryName());
    }
  }
  return state.SerializeAsString();
}

}  // namespace

std::string StateFilePath(const std::string& dir) { return dir + "/last-good"; }

Result<void> PrepareStateDir(const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("cannot create state directory '{}': {}", dir, error.message()));
  }
  if (access(dir.c_str(), R_OK | W_OK | X_OK) != 0) return SystemFailure("write to", dir);
  return {};
}

Result<void> WriteStateFile(const std::string& path, const SavedSnapshot& snapshot) {
  const std::string content = Encode(snapshot);
  if (content.size() > limits::kSavedStateBytes) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("saved state would have {} bytes, at most {} are allowed",
                            content.size(), limits::kSavedStateBytes));
  }
  const std::string staged = path + ".new";
  {
    const Descriptor file(open(staged.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return SystemFailure("create", staged);
    if (!WriteAll(file.get(), kMagic) || !WriteAll(file.get(), Sha256Hex(content)) ||
        !WriteAll(file.get(), content) || fsync(file.get()) != 0) {
      auto failure = SystemFailure("write", staged);
      unlink(staged.c_str());  // It takes room on a disk that may have none left.
      return failure;
    }
  }
  if (rename(staged.c_str(), path.c_str()) != 0) return SystemFailure("replace", path);
  const std::string dir = std::filesystem::path(path).parent_path();
  const Descriptor folder(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || fsync(folder.get()) != 0) return SystemFailure("sync", dir);
  return {};
}

Result<std::optional<SavedSnapshot>> ReadStateFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    return SystemFailure("read", path);
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return SystemFailure("read", path);
  const std::size_t head = kMagic.size() + kHashBytes;
  if (!S_ISREG(status.st_mode)) return Damaged(path, "it is not a file");
  if (static_cast<std::size_t>(status.st_size) > limits::kSavedStateBytes + head) {
    return Damaged(path, "it is larger than any state that is written");
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemFailure("read", path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  const std::string_view all = std::string_view(bytes).substr(0, have);
  if (all.substr(0, kMagic.size()) != kMagic || all.size() < head) {
    return Damaged(path, "it does not begin as one");
  }
  const std::string_view content = all.substr(head);
  if (all.substr(kMagic.size(), kHashBytes) != Sha256Hex(content)) {
    return Damaged(path, "its hash does not match its content");
  }
  Result<SavedSnapshot> snapshot = Decode(content);
  if (!snapshot) return Damaged(path, snapshot.error().message);
  return std::optional(*std::move(snapshot));
}

}  // namespace sluice::dataplane
