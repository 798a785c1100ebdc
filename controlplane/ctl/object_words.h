// Which objects the words of a command line mean: `KIND`, `KIND NAME…`, `KIND/NAME…`, `KIND,KIND`,
// `all`, and `KIND/NAMESPACE/NAME` as output names what is outside of the namespace default. Kinds
// by name, plural or short name, in any case. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/model/kind.h"
#include "common/model/resource.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::ctl {

struct ObjectWord {
  const model::Kind* kind;
  std::string name;     // Empty: all of the kind.
  std::string ns = {};  // Empty: that of --namespace.

  friend bool operator==(const ObjectWord&, const ObjectWord&) = default;
};

// `all` means every kind that people write. The error lists the kinds, or the one probably meant.
Result<std::vector<ObjectWord>> ParseObjectWords(const std::vector<std::string>& words);
// The same, but each has to name an object.
Result<std::vector<ObjectWord>> ParseObjectNames(const std::vector<std::string>& words);

Result<const model::Kind*> ParseKind(const std::string& word);

// The namespace that a kind's objects live in when the command line says `ns`: read-only kinds
// describe what runs, and belong to none.
std::string NamespaceOf(const model::Kind& kind, const std::string& ns);

v1::ObjectRef RefTo(const ObjectWord& word, const std::string& ns);
v1::ObjectRef RefTo(const model::Kind& kind, const std::string& ns, const std::string& name);
v1::ObjectRef RefTo(const model::Resource& resource);
// `listener/orders-db`, as model::ResourceKey::Text.
std::string TextOf(const v1::ObjectRef& object);

}  // namespace sluice::ctl
