#include "controlplane/snapshot/snapshot.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/base/sha256.h"
#include "common/model/kind.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "sluice/v1/generation.pb.h"

namespace sluice::controlplane {
namespace {

namespace xds = ::envoy::service::discovery::v3;

// Map fields in one order, so that every replica produces the same bytes.
std::string SerializeDeterministically(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    SLUICE_CHECK(message.SerializeToCodedStream(&coded));
  }
  return bytes;
}

std::shared_ptr<const SnapshotItem> MakeItem(std::string_view type_url, std::string name,
                                             std::string version, const std::string& value,
                                             std::int64_t object_generation) {
  xds::Resource resource;
  resource.set_version(version);
  resource.set_name(name);
  resource.mutable_resource()->set_type_url(std::string(type_url));
  resource.mutable_resource()->set_value(value);
  const model::DigestElement element = model::DigestElementOf({type_url, name, version});
  return std::make_shared<const SnapshotItem>(SnapshotItem{std::move(name), std::move(version),
                                                           resource.SerializeAsString(),
                                                           object_generation, element});
}

std::vector<std::string_view> MakeTypeUrls() {
  std::vector<std::string_view> urls;
  for (const model::Kind& kind : model::Kinds()) {
    if (!kind.read_only) urls.push_back(kind.type_url);
  }
  urls.push_back(model::kGenerationTypeUrl);
  return urls;
}

}  // namespace

std::span<const std::string_view> StreamedTypeUrls() {
  static const std::vector<std::string_view> urls = MakeTypeUrls();
  return urls;
}

std::optional<TypeIndex> FindStreamedType(std::string_view type_url) {
  const auto urls = StreamedTypeUrls();
  const auto found = std::find(urls.begin(), urls.end(), type_url);
  if (found == urls.end()) return std::nullopt;
  return static_cast<TypeIndex>(found - urls.begin());
}

std::optional<TypeIndex> StreamedTypeOf(const model::Kind& kind) {
  return FindStreamedType(kind.type_url);
}

TypeIndex GenerationTypeIndex() { return StreamedTypeUrls().size() - 1; }

const SnapshotEntry* SnapshotTable::Find(std::string_view name) const {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), name,
      [](const SnapshotEntry& entry, std::string_view key) { return entry.item->name < key; });
  return found != entries_.end() && found->item->name == name ? &*found : nullptr;
}

bool Snapshot::SeenSince(TypeIndex type, std::string_view name, std::int64_t asked,
                         const Labels& labels) const {
  if (Find(type, name) != nullptr) return true;
  for (auto batch = removals.rbegin(); batch != removals.rend(); ++batch) {
    if (batch->generation < asked) return false;
    if (batch->seen_by != nullptr && !batch->seen_by->contains(labels)) continue;
    const bool lost = std::any_of(
        batch->names->begin(), batch->names->end(),
        [&](const SnapshotName& removed) { return removed.type == type && removed.name == name; });
    if (lost) return true;
  }
  return false;
}

std::shared_ptr<const SnapshotItem> MakeItem(const model::Resource& resource) {
  return MakeItem(resource.kind().type_url, resource.key().DiscoveryName(), resource.version(),
                  resource.discovery_bytes(), resource.meta().generation());
}

std::shared_ptr<const SnapshotTable> DescribeGeneration(
    std::int64_t number, std::span<const std::shared_ptr<const SnapshotTable>> resources,
    const std::string& digest) {
  v1::Generation generation;
  generation.set_number(number);
  generation.set_digest(digest);
  for (TypeIndex type = 0; type < resources.size(); ++type) {
    const std::size_t count = resources[type]->entries().size();
    if (count != 0) {
      (*generation.mutable_counts())[std::string(StreamedTypeUrls()[type])] =
          static_cast<std::int64_t>(count);
    }
  }
  const std::string bytes = SerializeDeterministically(generation);
  auto item = MakeItem(model::kGenerationTypeUrl, std::string(model::kGenerationName),
                       Sha256Hex(bytes).substr(0, 32), bytes, 0);
  return std::make_shared<const SnapshotTable>(
      std::vector<SnapshotEntry>{{std::move(item), number}});
}

}  // namespace sluice::controlplane
