#include "controlplane/ctl/object_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/base/text_format.h"

namespace sluice::ctl {
namespace {

std::string KindNames() {
  std::string names;
  for (const model::Kind& kind : model::Kinds()) {
    if (!names.empty()) names += ", ";
    names += kind.plural;
    for (const auto& short_name : kind.short_names) names += fmt::format(" ({})", short_name);
  }
  return names;
}

tl::unexpected<Error> BadWord(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

// An object, a namespace or a data plane can have it as its name. The rest is for the API to say.
bool IsNameText(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c <= '~' && c != '/'; });
}

Result<std::vector<ObjectWord>> ParseSlashed(const std::vector<std::string>& words) {
  std::vector<ObjectWord> objects;
  for (const std::string& word : words) {
    const auto slash = word.find('/');
    if (slash == std::string::npos || slash + 1 == word.size()) {
      return BadWord(fmt::format("{} must be KIND/NAME, as the others are", Quoted(word)));
    }
    auto kind = ParseKind(word.substr(0, slash));
    if (!kind) return tl::unexpected(kind.error());
    ObjectWord object{*kind, word.substr(slash + 1)};
    if (const auto second = object.name.find('/'); second != std::string::npos) {
      object.ns = object.name.substr(0, second);
      object.name.erase(0, second + 1);
    }
    const bool has_namespace = object.name.size() + 1 + slash != word.size();
    if (!IsNameText(object.name) || (has_namespace && !IsNameText(object.ns))) {
      return BadWord(fmt::format("{} must be KIND/NAME or KIND/NAMESPACE/NAME", Quoted(word)));
    }
    objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace

Result<const model::Kind*> ParseKind(const std::string& word) {
  if (const model::Kind* kind = model::FindKind(word)) return kind;
  std::string lower = word;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::vector<std::string_view> plurals;
  for (const model::Kind& kind : model::Kinds()) plurals.push_back(kind.plural);
  const std::string_view closest = ClosestWord(lower, plurals.data(), plurals.size());
  if (!closest.empty()) {
    return BadWord(fmt::format("unknown kind {}; did you mean '{}'?", Quoted(word), closest));
  }
  return BadWord(fmt::format("unknown kind {}; the kinds are {}", Quoted(word), KindNames()));
}

Result<std::vector<ObjectWord>> ParseObjectWords(const std::vector<std::string>& words) {
  if (words.empty()) return BadWord(fmt::format("name a kind: {}, or all", KindNames()));
  if (words.front().find('/') != std::string::npos) return ParseSlashed(words);

  std::vector<const model::Kind*> kinds;
  std::string list = words.front();
  while (true) {
    const auto comma = list.find(',');
    const std::string word = list.substr(0, comma);
    if (word == "all") {
      for (const model::Kind& kind : model::Kinds()) {
        if (!kind.read_only) kinds.push_back(&kind);
      }
    } else {
      auto kind = ParseKind(word);
      if (!kind) return tl::unexpected(kind.error());
      kinds.push_back(*kind);
    }
    if (comma == std::string::npos) break;
    list.erase(0, comma + 1);
  }

  std::vector<ObjectWord> objects;
  if (words.size() == 1) {
    for (const model::Kind* kind : kinds) objects.push_back({kind, ""});
    return objects;
  }
  if (kinds.size() > 1) {
    return BadWord(
        fmt::format("'{}' is more than one kind, so no names can follow it; "
                    "write KIND/NAME for each",
                    words.front()));
  }
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    if (!IsNameText(*word)) {
      return BadWord(fmt::format("{} is not a name; after a kind come names only", Quoted(*word)));
    }
    objects.push_back({kinds.front(), *word});
  }
  return objects;
}

Result<std::vector<ObjectWord>> ParseObjectNames(const std::vector<std::string>& words) {
  auto objects = ParseObjectWords(words);
  if (objects && objects->front().name.empty()) {
    return BadWord(fmt::format("name the object: {0} NAME or {0}/NAME", words.front()));
  }
  return objects;
}

std::string NamespaceOf(const model::Kind& kind, const std::string& ns) {
  return kind.read_only ? std::string(model::kDefaultNamespace) : ns;
}

v1::ObjectRef RefTo(const ObjectWord& word, const std::string& ns) {
  return RefTo(*word.kind, word.ns.empty() ? ns : word.ns, word.name);
}

v1::ObjectRef RefTo(const model::Kind& kind, const std::string& ns, const std::string& name) {
  v1::ObjectRef ref;
  ref.set_kind(std::string(kind.name));
  ref.set_namespace_(NamespaceOf(kind, ns));
  ref.set_name(name);
  return ref;
}

v1::ObjectRef RefTo(const model::Resource& resource) {
  return RefTo(resource.kind(), resource.key().ns, resource.key().name);
}

std::string TextOf(const v1::ObjectRef& object) {
  const std::string ns =
      object.namespace_().empty() ? std::string(model::kDefaultNamespace) : object.namespace_();
  if (const model::Kind* kind = model::FindKind(object.kind())) {
    return model::ResourceKey{kind, ns, object.name()}.Text();
  }
  return fmt::format("{}/{}/{}", object.kind(), ns, object.name());
}

}  // namespace sluice::ctl
