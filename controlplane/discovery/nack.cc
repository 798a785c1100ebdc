#include "controlplane/discovery/nack.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/bounded_text.h"
#include "common/base/limits.h"
#include "sluice/v1/refusal.pb.h"

namespace sluice::controlplane {
namespace {

std::string Bounded(const std::string& text) {
  return BoundedText(text, limits::kRefusalTextBytes);
}

// By resource name. The text is the client's: bounded, and tied to what was really sent.
std::map<std::string, v1::ResourceProblem> NamedProblems(const google::rpc::Status& error) {
  std::map<std::string, v1::ResourceProblem> problems;
  for (const google::protobuf::Any& detail : error.details()) {
    v1::ResourceErrors errors;
    if (!detail.Is<v1::ResourceErrors>() || !detail.UnpackTo(&errors)) continue;
    for (const v1::ResourceProblem& given : errors.errors()) {
      if (problems.size() == limits::kRefusalDetails) return problems;
      v1::ResourceProblem problem;
      problem.set_reason(given.reason().empty() ? "Refused"
                                                : BoundedText(given.reason(), limits::kNameLength));
      problem.set_field(Bounded(given.field()));
      problem.set_message(Bounded(given.message().empty() ? error.message() : given.message()));
      problem.set_state(given.state() == v1::ResourceProblem::NOT_PROGRAMMED
                            ? v1::ResourceProblem::NOT_PROGRAMMED
                            : v1::ResourceProblem::REFUSED);
      problems.insert_or_assign(given.name(), std::move(problem));
    }
  }
  return problems;
}

}  // namespace

std::string KindNameOf(TypeIndex type) {
  const std::string_view url = StreamedTypeUrls()[type];
  return std::string(url.substr(url.find_last_of('.') + 1));
}

AnswerVerdict ReadNack(TypeIndex type, std::int64_t generation, const google::rpc::Status& error,
                       const std::vector<std::shared_ptr<const SnapshotItem>>& sent) {
  const auto named = NamedProblems(error);
  const bool names_any = std::any_of(sent.begin(), sent.end(),
                                     [&](const auto& item) { return named.contains(item->name); });
  AnswerVerdict verdict{type, generation, {}, {}};
  for (const auto& item : sent) {
    const auto found = named.find(item->name);
    if (names_any && found == named.end()) {
      verdict.accepted.push_back(item);
      continue;
    }
    if (verdict.refused.size() == limits::kReportedProblems) continue;
    v1::ResourceProblem problem;
    if (names_any) {
      problem = found->second;
    } else {
      problem.set_reason("Refused");
      problem.set_message(Bounded(error.message()));
      problem.set_state(v1::ResourceProblem::REFUSED);
    }
    problem.set_kind(KindNameOf(type));
    problem.set_name(item->name);
    problem.set_version(item->version);
    verdict.refused.push_back(std::move(problem));
  }
  return verdict;
}

}  // namespace sluice::controlplane
