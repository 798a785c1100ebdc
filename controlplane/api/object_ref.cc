#include "controlplane/api/object_ref.h"

#include <fmt/format.h>

#include <string>

#include "common/base/bounded_text.h"
#include "common/base/limits.h"

namespace sluice::controlplane {

Answer<const model::Kind*> KindOf(std::string_view name) {
  if (const model::Kind* kind = model::FindKind(name)) return kind;
  std::string known;
  for (const model::Kind& kind : model::Kinds()) {
    if (!known.empty()) known += ", ";
    known += kind.name;
  }
  return Refuse(ErrorCode::kInvalidArgument,
                fmt::format("`kind` must be one of {}, got '{}'", known,
                            BoundedText(name, limits::kNameLength)));
}

Answer<model::ResourceKey> KeyOf(const v1::ObjectRef& object) {
  auto kind = KindOf(object.kind());
  if (!kind) return tl::unexpected(kind.error());
  if (object.name().empty()) {
    return Refuse(ErrorCode::kInvalidArgument,
                  fmt::format("`name` must name a {}, got none", (*kind)->name));
  }
  if (std::max(object.name().size(), object.namespace_().size()) > limits::kNodeIdLength) {
    return Refuse(
        ErrorCode::kInvalidArgument,
        fmt::format("`name` and `namespace` have at most {} characters", limits::kNodeIdLength));
  }
  std::string ns =
      object.namespace_().empty() ? std::string(model::kDefaultNamespace) : object.namespace_();
  return model::ResourceKey{*kind, std::move(ns), object.name()};
}

v1::ObjectRef RefOf(const model::ResourceKey& key) {
  v1::ObjectRef object;
  object.set_kind(std::string(key.kind->name));
  object.set_namespace_(key.ns);
  object.set_name(key.name);
  return object;
}

}  // namespace sluice::controlplane
