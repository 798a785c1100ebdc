// ctl completion: the script that teaches a shell to complete ctl's words. All the knowledge is in
// `ctl __complete`; the scripts only carry words to it and back.
#include <fmt/format.h>

#include <ostream>

#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/report.h"

namespace sluice::ctl {
namespace {

// bash splits words at '=' and ':' as well; the words are joined again before they are handed over,
// and what stands before the last such character is taken off the answers.
constexpr std::string_view kBash =
    R"(# bash completion for ctl. Load it with: source <(ctl completion bash)
_ctl_complete() {
  local line="${COMP_LINE:0:COMP_POINT}" typed=() last="" word answer
  read -r -a typed <<<"$line"
  if [[ "$line" == *[[:space:]] || ${#typed[@]} -eq 0 ]]; then
    typed+=("")
  fi
  last="${typed[${#typed[@]}-1]}"
  local prefix=""
  if [[ "$last" == *[:=]* && "$COMP_WORDBREAKS" == *[:=]* ]]; then
    prefix="${last%"${last##*[:=]}"}"
  fi
  COMPREPLY=()
  while IFS= read -r answer; do
    if [[ "$answer" == ":files" ]]; then
      local partial="${last#"$prefix"}"
      while IFS= read -r word; do
        COMPREPLY+=("$word")
      done < <(compgen -f -- "$partial")
      compopt -o filenames 2>/dev/null
    else
      COMPREPLY+=("${answer#"$prefix"}")
    fi
  done < <("${typed[0]}" __complete -- "${typed[@]:1}" 2>/dev/null)
  if [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _ctl_complete ctl
)";

constexpr std::string_view kZsh = R"(#compdef ctl
# zsh completion for ctl. Load it with: source <(ctl completion zsh)
_ctl() {
  local -a answers words_found
  local answer files=0
  answers=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for answer in "${answers[@]}"; do
    if [[ "$answer" == ":files" ]]; then
      files=1
    elif [[ -n "$answer" ]]; then
      words_found+=("$answer")
    fi
  done
  (( ${#words_found} )) && compadd -- "${words_found[@]}"
  (( files )) && _files
  return 0
}
if [[ "${funcstack[1]}" == "_ctl" ]]; then
  _ctl "$@"
else
  compdef _ctl ctl
fi
)";

constexpr std::string_view kFish =
    R"(# fish completion for ctl. Load it with: ctl completion fish | source
function __ctl_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    for answer in ($typed[1] __complete -- $typed[2..-1] "$current" 2>/dev/null)
        if test "$answer" = ":files"
            __fish_complete_path "$current"
        else
            echo $answer
        end
    end
end
complete -c ctl -f -a '(__ctl_complete)'
)";

Exit RunCompletion(const Invocation& invocation) {
  const auto& operands = invocation.arguments.operands();
  const std::string shell = operands.size() == 1 ? operands.front() : "";
  if (shell == "bash") {
    invocation.out << kBash;
  } else if (shell == "zsh") {
    invocation.out << kZsh;
  } else if (shell == "fish") {
    invocation.out << kFish;
  } else {
    return ReportUsage(invocation, "name one shell: bash, zsh or fish");
  }
  return Exit::kOk;
}

}  // namespace

const Command kCompletionCommand = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .summary = "Prints the script that completes ctl's words in a shell",
    .details = "Example: source <(ctl completion bash)",
    .operand_choices = "bash|zsh|fish",
    .run = RunCompletion,
};

}  // namespace sluice::ctl
