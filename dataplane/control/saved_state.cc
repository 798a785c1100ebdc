#include "dataplane/control/saved_state.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/sha256.h"
#include "common/model/resource.h"
#include "sluice/v1/saved_state.pb.h"

namespace sluice::dataplane {
namespace {

constexpr std::string_view kMagic = "sluice saved state 1\n";
constexpr std::size_t kHashBytes = 64;
static_assert(kSavedStateHeadBytes == kMagic.size() + kHashBytes);

tl::unexpected<Error> Damaged(std::string_view why) {
  return Fail(ErrorCode::kDataLoss, std::string(why));
}

void Save(const VersionedResource& held, v1::SavedResource& saved) {
  saved.set_type_url(std::string(held.resource->kind().type_url));
  saved.set_name(held.resource->key().DiscoveryName());
  saved.set_version(held.version);
  *saved.mutable_content() = held.resource->ToAny();
}

Result<VersionedResource> Load(const v1::SavedResource& saved) {
  Result<model::Resource> resource = model::Resource::FromAny(saved.content());
  if (!resource) return tl::unexpected(resource.error());
  if (const model::Violations& violations = resource->violations(); !violations.empty()) {
    return Fail(ErrorCode::kDataLoss,
                fmt::format("{} is invalid: {}", saved.name(), violations.front().message));
  }
  return VersionedResource{std::make_shared<const model::Resource>(*std::move(resource)),
                           saved.version()};
}

Result<ResourceUpdate> LoadInstead(const v1::SavedResource& saved) {
  if (saved.has_content()) {
    Result<VersionedResource> held = Load(saved);
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

Result<SavedSnapshot> DecodeContent(std::string_view bytes) {
  v1::SavedState state;
  if (!state.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Damaged("its content does not parse");
  }
  SavedSnapshot snapshot;
  snapshot.accepted.generation = state.generation();
  snapshot.accepted.digest = state.digest();
  snapshot.accepted.generation_version = state.generation_version();
  for (const v1::SavedResource& saved : state.accepted()) {
    Result<VersionedResource> held = Load(saved);
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

std::string EncodeContent(const SavedSnapshot& snapshot) {
  v1::SavedState state;
  state.set_generation(snapshot.accepted.generation);
  state.set_digest(snapshot.accepted.digest);
  state.set_generation_version(snapshot.accepted.generation_version);
  for (const VersionedResource& held : snapshot.accepted.resources)
    Save(held, *state.add_accepted());
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

std::string SealSavedState(std::string_view content) {
  std::string file(kMagic);
  file += Sha256Hex(content);
  file += content;
  return file;
}

std::string EncodeSavedState(const SavedSnapshot& snapshot) {
  return SealSavedState(EncodeContent(snapshot));
}

Result<SavedSnapshot> DecodeSavedState(std::string_view file) {
  if (file.size() < kSavedStateHeadBytes || !file.starts_with(kMagic)) {
    return Damaged("it does not begin as one");
  }
  const std::string_view content = file.substr(kSavedStateHeadBytes);
  if (file.substr(kMagic.size(), kHashBytes) != Sha256Hex(content)) {
    return Damaged("its hash does not match its content");
  }
  return DecodeContent(content);
}

}  // namespace sluice::dataplane
