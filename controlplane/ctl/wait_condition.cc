#include "controlplane/ctl/wait_condition.h"

#include <fmt/format.h>
#include <strings.h>

#include "controlplane/ctl/conditions.h"
#include "controlplane/ctl/table.h"

namespace sluice::ctl {

Result<WaitCondition> ParseWaitCondition(const std::string& text) {
  constexpr std::string_view kPrefix = "condition=";
  if (text == "create") return WaitCondition{.what = WaitCondition::What::kCreate, .type = {}};
  if (text == "delete") return WaitCondition{.what = WaitCondition::What::kDelete, .type = {}};
  if (text.starts_with(kPrefix) && text.size() > kPrefix.size()) {
    WaitCondition condition{.type = text.substr(kPrefix.size())};
    const auto equals = condition.type.find('=');
    if (equals == std::string::npos) return condition;
    const std::string state = condition.type.substr(equals + 1);
    condition.type.resize(equals);
    for (const auto candidate :
         {v1::Condition::TRUE, v1::Condition::FALSE, v1::Condition::UNKNOWN}) {
      if (!condition.type.empty() &&
          strcasecmp(state.c_str(), std::string(StateWord(candidate)).c_str()) == 0) {
        condition.state = candidate;
        return condition;
      }
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--for must be condition=TYPE[=True|False|Unknown], create or delete, "
                          "got '{}'",
                          text));
}

bool Holds(const WaitCondition& wanted, const model::Resource* resource) {
  if (wanted.what == WaitCondition::What::kCreate) return resource != nullptr;
  if (wanted.what == WaitCondition::What::kDelete) return resource == nullptr;
  if (resource == nullptr) return false;
  const auto condition = FindCondition(resource->message(), wanted.type);
  if (!condition) return wanted.state == v1::Condition::UNKNOWN;
  return condition->status() == wanted.state &&
         condition->observed_generation() >= resource->meta().generation();
}

std::string StandText(const WaitCondition& wanted, const model::Resource* resource) {
  if (resource == nullptr) return "it does not exist";
  if (wanted.what != WaitCondition::What::kCondition) return "it exists";
  const auto condition = FindCondition(resource->message(), wanted.type);
  if (!condition) {
    std::string types;
    for (const auto& present : ConditionsOf(resource->message())) {
      types += (types.empty() ? "" : ", ") + present.type();
    }
    return OneLine(fmt::format("it has no condition {}, but {}", wanted.type,
                               types.empty() ? "none at all" : types));
  }
  auto text = fmt::format("{} is {}", condition->type(), StateWord(condition->status()));
  if (!condition->reason().empty()) text += fmt::format(" ({})", condition->reason());
  if (!condition->message().empty()) text += ": " + condition->message();
  return OneLine(text);
}

}  // namespace sluice::ctl
