#include "controlplane/ctl/object_text.h"

#include <fmt/format.h>

#include <map>

#include "common/manifest/manifest.h"
#include "controlplane/ctl/table.h"

namespace sluice::ctl {
namespace {

std::string WithoutLineEnd(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

std::string YamlOf(const std::vector<model::Resource>& resources) {
  std::string text;
  for (const auto& resource : resources) {
    if (!text.empty()) text += "---\n";
    text += WithoutLineEnd(manifest::ToYaml(resource.message())) + "\n";
  }
  return text;
}

std::string JsonOf(const std::vector<model::Resource>& resources, bool as_list) {
  if (!as_list && resources.size() == 1) {
    return WithoutLineEnd(manifest::ToJson(resources.front().message(), true)) + "\n";
  }
  std::string text = fmt::format(
      "{{\n  \"apiVersion\": \"{}\",\n  \"kind\": \"List\",\n  \"items\": [", model::kApiVersion);
  bool first = true;
  for (const auto& resource : resources) {
    // JSON strings hold no raw line ends, so that indenting lines changes no value.
    const auto item = WithoutLineEnd(manifest::ToJson(resource.message(), true));
    text += (first ? "\n" : ",\n") + WithoutLineEnd(Indented(item, 4));
    first = false;
  }
  return text + (first ? "]\n}\n" : "\n  ]\n}\n");
}

std::string NamesOf(const std::vector<model::Resource>& resources) {
  std::string text;
  for (const auto& resource : resources) text += resource.key().Text() + "\n";
  return text;
}

std::string LabelText(const google::protobuf::Map<std::string, std::string>& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  std::string text;
  for (const auto& [key, value] : sorted) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  }
  return text;
}

}  // namespace sluice::ctl
