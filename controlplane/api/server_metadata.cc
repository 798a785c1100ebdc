#include "controlplane/api/server_metadata.h"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <random>

#include "common/base/check.h"

namespace sluice::controlplane {
namespace {

using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;
using PairMap = google::protobuf::Map<std::string, std::string>;

bool SamePairs(const PairMap& a, const PairMap& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a) {
    const auto found = b.find(key);
    if (found == b.end() || found->second != value) return false;
  }
  return true;
}

// Field presence counts: `maxFails: 0` is not the same as none.
bool SameSpec(const Message& a, const Message& b) {
  const auto* spec = a.GetDescriptor()->FindFieldByName("spec");
  SLUICE_CHECK(spec != nullptr);
  return MessageDifferencer::Equals(a.GetReflection()->GetMessage(a, spec),
                                    b.GetReflection()->GetMessage(b, spec));
}

}  // namespace

std::string NewUid() {
  thread_local std::random_device random;
  const std::uint32_t a = random(), b = random(), c = random(), d = random();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{:08x}", a, b >> 16, b & 0xfff,
                     0x8000 | (c >> 16 & 0x3fff), c & 0xffff, d);
}

std::shared_ptr<const model::Resource> Stamped(const model::Resource& wanted,
                                               const model::Resource* stored, const Stamp& stamp) {
  const bool same_spec = stored != nullptr && SameSpec(wanted.message(), stored->message());
  if (same_spec && SamePairs(wanted.meta().labels(), stored->meta().labels()) &&
      SamePairs(wanted.meta().annotations(), stored->meta().annotations())) {
    return nullptr;
  }

  std::unique_ptr<Message> message(wanted.message().New());
  message->CopyFrom(wanted.message());
  if (const auto* status = message->GetDescriptor()->FindFieldByName("status")) {
    message->GetReflection()->ClearField(message.get(), status);
  }
  v1::ObjectMeta& meta = model::MutableMetaOf(*message);
  meta.set_namespace_(wanted.key().ns);
  meta.set_resource_version(std::to_string(stamp.version));
  if (stored == nullptr) {
    meta.set_uid(stamp.new_uid());
    meta.set_generation(1);
    *meta.mutable_creation_timestamp() = stamp.now;
  } else {
    meta.set_uid(stored->meta().uid());
    meta.set_generation(stored->meta().generation() + (same_spec ? 0 : 1));
    *meta.mutable_creation_timestamp() = stored->meta().creation_timestamp();
  }
  return std::make_shared<const model::Resource>(
      model::Resource::Restamped(std::move(message), wanted));
}

}  // namespace sluice::controlplane
