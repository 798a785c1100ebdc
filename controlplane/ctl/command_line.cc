#include "controlplane/ctl/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <deque>

#include "common/base/text_format.h"

namespace sluice::ctl {
namespace {

constexpr std::string_view kDescription =
    "Tells a sluice control plane what to do, and shows what it and its data planes do.";
constexpr std::string_view kFooter =
    R"(Exit status: 0 done, 1 the answer is no (refused, not found, timed out, unreachable, different),
2 the command line or a manifest is wrong. `ctl COMMAND --help` says more.)";

std::vector<std::string> Split(std::string_view choices) {
  std::vector<std::string> words;
  while (!choices.empty()) {
    const auto bar = choices.find('|');
    words.emplace_back(choices.substr(0, bar));
    choices = bar == std::string_view::npos ? std::string_view() : choices.substr(bar + 1);
  }
  return words;
}

// What one option of the table has become.
struct Bound {
  const Option* option;
  CLI::Option* parsed;
  std::vector<std::string> values;
  bool given = false;
};

void Bind(CLI::App& app, const Option& option, std::deque<Bound>& bound) {
  std::string names(option.flag);
  if (!option.letter.empty()) names = fmt::format("-{},{}", option.letter, option.flag);
  std::string help(option.help);
  if (!option.preset.empty()) help += fmt::format(" (default {})", option.preset);
  Bound& slot = bound.emplace_back(Bound{.option = &option, .parsed = nullptr, .values = {}});
  if (option.value.empty()) {
    slot.parsed = app.add_flag(names, slot.given, help);
    return;
  }
  slot.parsed = app.add_option(names, slot.values, help)
                    ->type_name(std::string(option.value))
                    ->allow_extra_args(false);
  if (!option.choices.empty()) {
    slot.parsed->type_name(std::string(option.choices))
        ->check(CLI::Validator(
            [choices = Split(option.choices), all = option.choices](const std::string& value) {
              if (std::find(choices.begin(), choices.end(), value) != choices.end()) {
                return std::string();
              }
              return fmt::format("must be one of {}, got '{}'", all, value);
            },
            ""));
  }
}

// The library would call all operands by one name.
class HelpFormat final : public CLI::Formatter {
 public:
  explicit HelpFormat(std::string_view operands) : operands_(operands) {}
  std::string make_usage(const CLI::App* app, std::string /*name*/) const override {
    return fmt::format("Usage: ctl {} [FLAGS] {}\n", app->get_name(), operands_);
  }

 private:
  const std::string_view operands_;
};

std::string WithSuggestion(std::span<const Command* const> commands, std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command* command : commands) {
    if (!command->hidden) names.push_back(command->name);
  }
  const std::string_view closest = ClosestWord(word, names.data(), names.size());
  std::string text = fmt::format("error: unknown command '{}'", word);
  if (!closest.empty()) text += fmt::format("; did you mean '{}'?", closest);
  return text + "\nRun 'ctl --help' for the commands.\n";
}

}  // namespace

CommandLine ParseCommandLine(std::span<const Command* const> commands, int argc,
                             const char* const* argv) {
  CommandLine line;
  CLI::App app{std::string(kDescription), "ctl"};
  app.footer(std::string(kFooter));
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "Prints this text");
  std::deque<Bound> bound;  // Keeps its elements in place: the parser holds their addresses.
  for (const Option& option : GlobalOptions()) Bind(app, option, bound);

  std::vector<std::string> operands;
  const Command* chosen = nullptr;
  for (const Command* command : commands) {
    CLI::App* sub = app.add_subcommand(std::string(command->name), std::string(command->summary));
    sub->fallthrough();  // Global flags may follow the command.
    sub->formatter(std::make_shared<HelpFormat>(command->operands));
    if (command->hidden) sub->group("");
    if (!command->details.empty()) sub->footer(std::string(command->details));
    for (const Option& option : command->options) Bind(*sub, option, bound);
    if (!command->operands.empty()) {
      sub->add_option("operands", operands, "")->type_name("")->group("");
    }
    sub->final_callback([&chosen, command] { chosen = command; });
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::string help = app.help();
    for (const CLI::App* sub : app.get_subcommands()) help = sub->help();
    line.answer = {Exit::kOk, std::move(help)};
    return line;
  } catch (const CLI::ParseError& error) {
    const auto used = app.get_subcommands();
    if (used.empty()) {
      const auto extra = app.remaining();
      if (!extra.empty() && !extra.front().starts_with('-')) {
        line.answer = {Exit::kUsage, WithSuggestion(commands, extra.front())};
        return line;
      }
      if (extra.empty() && argc <= 1) {
        line.answer = {Exit::kUsage, app.help()};
        return line;
      }
    }
    const std::string name = used.empty() ? "" : " " + used.front()->get_name();
    line.answer = {Exit::kUsage, fmt::format("error: {}\nRun 'ctl{} --help' for how it is used.\n",
                                             error.what(), name)};
    return line;
  }

  line.command = chosen;
  for (Bound& slot : bound) {
    if (!slot.option->preset.empty()) {
      line.arguments.SetPreset(slot.option->flag, slot.option->preset);
    }
    if (slot.parsed->count() == 0) continue;
    if (slot.values.size() > 1 && !slot.option->repeats) {
      line.answer = {Exit::kUsage, fmt::format("error: {} is given {} times; once is allowed\n",
                                               slot.option->flag, slot.values.size())};
      return line;
    }
    line.arguments.Set(slot.option->flag, std::move(slot.values));
  }
  line.arguments.SetOperands(std::move(operands));
  return line;
}

}  // namespace sluice::ctl
