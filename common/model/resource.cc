#include "common/model/resource.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <mutex>

#include "common/base/check.h"
#include "common/base/sha256.h"
#include "common/base/text_format.h"
#include "common/model/validate.h"

namespace sluice::model {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kTypeUrlPrefix = "type.googleapis.com/";

const FieldDescriptor& MetadataField(const Message& message) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByNumber(1);
  SLUICE_CHECK(field != nullptr && field->message_type() == v1::ObjectMeta::descriptor());
  return *field;
}

// Map entries in key order, so that equal messages give equal bytes.
std::string DeterministicBytes(const Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  SLUICE_CHECK(message.SerializeToCodedStream(&coded));
  coded.Trim();
  return bytes;
}

std::string DiscoveryBytes(const Message& message) {
  const std::unique_ptr<Message> sent(message.New());
  const v1::ObjectMeta& from = MetaOf(message);
  v1::ObjectMeta& to = MutableMetaOf(*sent);
  to.set_name(from.name());
  to.set_namespace_(from.namespace_());
  *to.mutable_labels() = from.labels();
  const FieldDescriptor* spec = message.GetDescriptor()->FindFieldByName("spec");
  if (spec != nullptr && message.GetReflection()->HasField(message, spec)) {
    sent->GetReflection()
        ->MutableMessage(sent.get(), spec)
        ->CopyFrom(message.GetReflection()->GetMessage(message, spec));
  }
  return DeterministicBytes(*sent);
}

// Of 64: a hash of 128 bits.
constexpr std::size_t kVersionDigits = 32;

}  // namespace

struct Resource::Derived {
  std::once_flag discovery_once;
  std::string bytes;
  std::string version;
  std::once_flag violations_once;
  Violations violations;
  std::once_flag addresses_once;
  std::vector<std::optional<SocketAddress>> addresses;
};

std::string ResourceKey::DiscoveryName() const { return fmt::format("{}/{}", ns, name); }

std::string ResourceKey::Text() const {
  std::string kind_name(kind == nullptr ? "?" : kind->name);
  for (char& c : kind_name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (ns == kDefaultNamespace) return fmt::format("{}/{}", kind_name, name);
  return fmt::format("{}/{}/{}", kind_name, ns, name);
}

std::strong_ordering operator<=>(const ResourceKey& a, const ResourceKey& b) {
  const auto rank = [](const ResourceKey& key) {
    return key.kind == nullptr ? -1 : key.kind->rank;
  };
  if (const auto order = rank(a) <=> rank(b); order != 0) return order;
  if (const auto order = a.ns <=> b.ns; order != 0) return order;
  return a.name <=> b.name;
}

Resource Resource::FromMessage(std::unique_ptr<Message> message) {
  SLUICE_CHECK(message != nullptr);
  const Kind* kind =
      FindKindByTypeUrl(fmt::format("{}{}", kTypeUrlPrefix, message->GetDescriptor()->full_name()));
  SLUICE_CHECK(kind != nullptr);
  v1::ObjectMeta& meta = MutableMetaOf(*message);
  if (meta.namespace_().empty()) meta.set_namespace_(std::string(kDefaultNamespace));

  Resource resource;
  resource.key_ = {kind, meta.namespace_(), meta.name()};
  resource.meta_ = &meta;
  resource.message_ = std::move(message);
  resource.derived_ = std::make_shared<Derived>();
  return resource;
}

Resource Resource::Restamped(std::unique_ptr<Message> message, const Resource& original) {
  Resource resource = FromMessage(std::move(message));
  SLUICE_CHECK(resource.key_ == original.key_);
  resource.derived_ = original.derived_;
  return resource;
}

Result<Resource> Resource::FromAny(const google::protobuf::Any& any) {
  const Kind* kind = FindKindByTypeUrl(any.type_url());
  if (kind == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("type URL must be one of a known kind ({}sluice.v1.<Kind>), got {}",
                            kTypeUrlPrefix, Quoted(any.type_url())));
  }
  std::unique_ptr<Message> message(kind->prototype().New());
  if (!message->ParseFromString(any.value())) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} of type {} cannot be read as a {}",
                            Counted(any.value().size(), "byte"), any.type_url(), kind->name));
  }
  return FromMessage(std::move(message));
}

google::protobuf::Any Resource::ToAny() const {
  google::protobuf::Any any;
  any.set_type_url(std::string(kind().type_url));
  any.set_value(DeterministicBytes(*message_));
  return any;
}

const Violations& Resource::violations() const {
  std::call_once(derived_->violations_once, [this] { derived_->violations = Validate(*this); });
  return derived_->violations;
}

const std::vector<std::optional<SocketAddress>>& Resource::addresses() const {
  std::call_once(derived_->addresses_once, [this] {
    if (kind().addresses == nullptr) return;
    for (const std::string_view text : kind().addresses(*message_)) {
      auto address = SocketAddress::Parse(text);
      derived_->addresses.push_back(address ? std::optional<SocketAddress>(*std::move(address))
                                            : std::nullopt);
    }
  });
  return derived_->addresses;
}

const SocketAddress& Resource::address(std::size_t index) const {
  const std::optional<SocketAddress>& address = addresses().at(index);
  SLUICE_CHECK(address.has_value());
  return *address;
}

const Resource::Derived& Resource::discovery() const {
  std::call_once(derived_->discovery_once, [this] {
    derived_->bytes = DiscoveryBytes(*message_);
    derived_->version = Sha256Hex(derived_->bytes).substr(0, kVersionDigits);
  });
  return *derived_;
}

const std::string& Resource::discovery_bytes() const { return discovery().bytes; }

const std::string& Resource::version() const { return discovery().version; }

const v1::ObjectMeta& MetaOf(const Message& message) {
  return dynamic_cast<const v1::ObjectMeta&>(
      message.GetReflection()->GetMessage(message, &MetadataField(message)));
}

v1::ObjectMeta& MutableMetaOf(Message& message) {
  return dynamic_cast<v1::ObjectMeta&>(
      *message.GetReflection()->MutableMessage(&message, &MetadataField(message)));
}

}  // namespace sluice::model
