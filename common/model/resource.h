// One resource of any kind, and sets of them. Immutable values, cheap to copy, thread-safe.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/message.h>

#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/address.h"
#include "common/base/error.h"
#include "common/model/kind.h"
#include "sluice/v1/meta.pb.h"

namespace sluice::model {

struct ResourceKey {
  const Kind* kind = nullptr;
  std::string ns;  // Never empty: kDefaultNamespace stands for it.
  std::string name;

  // `namespace/name`: the resource's name on a discovery stream.
  std::string DiscoveryName() const;
  // `listener/orders-db`, with the namespace in front of the name unless it is the default one. For
  // people.
  std::string Text() const;

  friend bool operator==(const ResourceKey&, const ResourceKey&) = default;
  // Kinds in rank order.
  friend std::strong_ordering operator<=>(const ResourceKey&, const ResourceKey&);
};

class Resource {
 public:
  // `message` is of a type in the kinds table (checked). An empty namespace becomes the default
  // one.
  static Resource FromMessage(std::unique_ptr<google::protobuf::Message> message);
  // `message` is that of `original` but for what the control plane sets in its metadata (uid,
  // generation, resourceVersion, creationTimestamp): what has been found out about it goes on.
  static Resource Restamped(std::unique_ptr<google::protobuf::Message> message,
                            const Resource& original);
  // Errors: unknown type URL, bytes that do not parse.
  static Result<Resource> FromAny(const google::protobuf::Any& any);
  google::protobuf::Any ToAny() const;

  const Kind& kind() const { return *key_.kind; }
  const ResourceKey& key() const { return key_; }
  const v1::ObjectMeta& meta() const { return *meta_; }
  const google::protobuf::Message& message() const { return *message_; }
  // T must be the kind's message type (checked).
  template <typename T>
  const T& As() const {
    return dynamic_cast<const T&>(*message_);
  }

  // Everything wrong with it looked at alone; empty: valid. This and what follows is found out once
  // and shared by all copies.
  const Violations& violations() const;
  // The addresses in its spec, in order: of its endpoints (Upstream, EndpointSlice), where it
  // accepts (Listener). nullopt where the text is no address: only in an object that is not valid.
  const std::vector<std::optional<SocketAddress>>& addresses() const;
  // The same of a valid object (checked).
  const SocketAddress& address(std::size_t index) const;

  // What is streamed to data planes: name, namespace, labels and spec, nothing that changes without
  // a change of meaning. Serialised deterministically, made once and shared by all copies.
  const std::string& discovery_bytes() const;
  // Lower-case hex of the first 16 bytes of SHA-256 of discovery_bytes: equal on every replica.
  const std::string& version() const;

 private:
  struct Derived;
  const Derived& discovery() const;

  ResourceKey key_;
  std::shared_ptr<const google::protobuf::Message> message_;
  const v1::ObjectMeta* meta_ = nullptr;  // In message_.
  std::shared_ptr<Derived> derived_;
};

// Finds the metadata of any kind's message.
const v1::ObjectMeta& MetaOf(const google::protobuf::Message& message);
v1::ObjectMeta& MutableMetaOf(google::protobuf::Message& message);

struct Change {
  ResourceKey key;
  std::shared_ptr<const Resource> after;  // nullptr: deleted.
  // As it was; nullptr: it did not exist. Filled in by who reports a change, ignored in one that is
  // asked for.
  std::shared_ptr<const Resource> before = nullptr;
};

// Resources by key. A value: With() shares what did not change, and pointers that it gives out live
// as long as any set that holds the same resource. Every resource in it is valid on its own.
class ResourceSet {
 public:
  const Resource* Find(const ResourceKey& key) const;
  const Resource* Find(const Kind& kind, std::string_view ns, std::string_view name) const;
  // In key order.
  void ForEach(const std::function<void(const Resource&)>& visit) const;
  void ForEachOf(const Kind& kind, const std::function<void(const Resource&)>& visit) const;
  // Those that name `target` in a reference, in key order.
  std::vector<const Resource*> Referrers(const ResourceKey& target) const;
  // Kept as the set changes, so that a change is checked against the rest without reading the rest.
  // A hash stands for an address: there may be fewer than the answer says, never more.
  std::size_t EndpointCount(const ResourceKey& upstream) const;  // Slices included.
  std::size_t EndpointsAt(const ResourceKey& upstream, const SocketAddress& address) const;
  std::vector<const Resource*> ListenersAt(const SocketAddress& address) const;  // In key order.
  std::size_t size() const;
  ResourceSet With(const std::vector<Change>& changes) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;  // nullptr: empty.
};

}  // namespace sluice::model
