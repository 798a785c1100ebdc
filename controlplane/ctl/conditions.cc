#include "controlplane/ctl/conditions.h"

#include <google/protobuf/descriptor.h>
#include <strings.h>

#include <algorithm>
#include <cctype>

namespace sluice::ctl {
namespace {

bool SameWord(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::vector<v1::Condition> ConditionsOf(const google::protobuf::Message& resource) {
  const auto* status_field = resource.GetDescriptor()->FindFieldByName("status");
  if (status_field == nullptr) return {};
  const auto& status = resource.GetReflection()->GetMessage(resource, status_field);
  const auto* field = status.GetDescriptor()->FindFieldByName("conditions");
  if (field == nullptr) return {};
  std::vector<v1::Condition> conditions;
  const int count = status.GetReflection()->FieldSize(status, field);
  for (int i = 0; i < count; ++i) {
    v1::Condition condition;
    condition.CopyFrom(status.GetReflection()->GetRepeatedMessage(status, field, i));
    conditions.push_back(std::move(condition));
  }
  return conditions;
}

std::optional<v1::Condition> FindCondition(const google::protobuf::Message& resource,
                                           std::string_view type) {
  for (auto& condition : ConditionsOf(resource)) {
    if (SameWord(condition.type(), type)) return std::move(condition);
  }
  return std::nullopt;
}

std::string_view StateWord(v1::Condition::State state) {
  switch (state) {
    case v1::Condition::TRUE:
      return "True";
    case v1::Condition::FALSE:
      return "False";
    default:
      return "Unknown";
  }
}

std::string ConditionCell(const google::protobuf::Message& resource, std::string_view type) {
  const auto condition = FindCondition(resource, type);
  if (!condition) return "Unknown";
  const std::string& message = condition->message();
  const std::string word = message.substr(0, message.find(' '));
  const auto slash = word.find('/');
  const bool ratio = slash != std::string::npos && slash > 0 && slash + 1 < word.size() &&
                     std::all_of(word.begin(), word.end(),
                                 [](unsigned char c) { return c == '/' || std::isdigit(c) != 0; });
  return ratio ? word : std::string(StateWord(condition->status()));
}

std::string ConnectedCell(const google::protobuf::Message& data_plane) {
  const auto connected = FindCondition(data_plane, "Connected");
  if (connected && connected->reason() == "Draining") return "draining";
  return ConditionCell(data_plane, "Connected");
}

}  // namespace sluice::ctl
