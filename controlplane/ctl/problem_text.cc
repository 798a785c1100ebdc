#include "controlplane/ctl/problem_text.h"

#include <fmt/format.h>

#include "controlplane/ctl/object_words.h"

namespace sluice::ctl {

std::string ObjectText(const v1::ResourceProblem& problem) {
  v1::ObjectRef ref;
  ref.set_kind(problem.kind());
  const auto slash = problem.name().find('/');
  if (slash == std::string::npos) {
    ref.set_name(problem.name());
  } else {
    ref.set_namespace_(problem.name().substr(0, slash));
    ref.set_name(problem.name().substr(slash + 1));
  }
  return OneLine(TextOf(ref));
}

std::string StateText(v1::ResourceProblem::State state) {
  return state == v1::ResourceProblem::REFUSED ? "refused" : "not in force";
}

std::string ProblemText(const v1::ResourceProblem& problem) {
  const bool refused = problem.state() == v1::ResourceProblem::REFUSED;
  auto text = refused ? fmt::format("refused {}", ObjectText(problem))
                      : fmt::format("{} is not in force", ObjectText(problem));
  if (!problem.reason().empty()) text += ": " + problem.reason();
  if (!problem.message().empty()) {
    text += ": " + problem.message();
  } else if (!problem.field().empty()) {
    text += fmt::format(": `{}`", problem.field());
  }
  return OneLine(text);
}

}  // namespace sluice::ctl
