#include "tests/support/prometheus_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <set>

namespace sluice::dataplane {
namespace {

using Labels = std::map<std::string, std::string>;

bool IsName(std::string_view text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
         });
}

// Takes `text` up to `end` from the front of `line`, and the end; nothing when there is no end.
std::optional<std::string_view> TakeUntil(std::string_view& line, char end) {
  const std::size_t at = line.find(end);
  if (at == line.npos) return std::nullopt;
  const std::string_view taken = line.substr(0, at);
  line.remove_prefix(at + 1);
  return taken;
}

// A label's value after its opening quote, with its closing one.
std::optional<std::string> TakeLabelValue(std::string_view& line) {
  std::string value;
  while (!line.empty()) {
    const char c = line[0];
    line.remove_prefix(1);
    if (c == '"') return value;
    if (c != '\\') {
      value += c;
      continue;
    }
    if (line.empty()) return std::nullopt;
    const char escaped = line[0];
    line.remove_prefix(1);
    if (escaped != '\\' && escaped != '"' && escaped != 'n') return std::nullopt;
    value += escaped == 'n' ? '\n' : escaped;
  }
  return std::nullopt;
}

// Labels after their opening brace, with the closing one.
std::optional<Labels> TakeLabels(std::string_view& line) {
  Labels labels;
  while (true) {
    const auto name = TakeUntil(line, '=');
    if (!name || !IsName(*name) || !line.starts_with('"')) return std::nullopt;
    line.remove_prefix(1);
    auto value = TakeLabelValue(line);
    if (!value || !labels.emplace(*name, *std::move(value)).second) return std::nullopt;
    if (line.empty()) return std::nullopt;
    const char after = line[0];
    line.remove_prefix(1);
    if (after == '}') return labels;
    if (after != ',') return std::nullopt;
  }
}

std::optional<double> ParseValue(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) == 0) return std::nullopt;
  const std::string value(text);
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  if (*end != '\0' || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<PrometheusSample> ParseSample(std::string_view line, const std::string& name) {
  if (!line.starts_with(name)) return std::nullopt;
  line.remove_prefix(name.size());
  PrometheusSample sample;
  if (line.starts_with('{')) {
    line.remove_prefix(1);
    auto labels = TakeLabels(line);
    if (!labels) return std::nullopt;
    sample.labels = *std::move(labels);
  }
  if (!line.starts_with(' ')) return std::nullopt;
  const auto value = ParseValue(line.substr(1));
  if (!value) return std::nullopt;
  sample.value = *value;
  return sample;
}

class Reader {
 public:
  // What is wrong with the line; empty: nothing.
  std::string Take(std::string_view line) {
    if (line.starts_with("# HELP ")) return TakeHelp(line.substr(7));
    if (line.starts_with("# TYPE ")) return TakeType(line.substr(7));
    if (families_.empty() || families_.back().type.empty()) return "a sample before HELP and TYPE";
    PrometheusFamily& family = families_.back();
    auto sample = ParseSample(line, family.name);
    if (!sample) return "not a sample of the family";
    if (!series_.insert({family.name, sample->labels}).second) return "a series that stood before";
    family.samples.push_back(*std::move(sample));
    return "";
  }
  std::string End() const {
    return !families_.empty() && families_.back().type.empty() ? "HELP without TYPE" : "";
  }
  std::vector<PrometheusFamily> TakeFamilies() { return std::move(families_); }

 private:
  std::string TakeHelp(std::string_view rest) {
    if (!End().empty()) return End();
    const auto name = TakeUntil(rest, ' ');
    if (!name || !IsName(*name) || rest.empty()) return "HELP without a name and a text";
    if (!names_.emplace(*name).second) return "a family that stood before";
    families_.push_back({std::string(*name), std::string(rest), "", {}});
    return "";
  }
  std::string TakeType(std::string_view rest) {
    const auto name = TakeUntil(rest, ' ');
    if (families_.empty() || name != families_.back().name || !families_.back().type.empty()) {
      return "TYPE without its HELP before it";
    }
    if (rest != "counter" && rest != "gauge") return "a type that is neither counter nor gauge";
    families_.back().type = rest;
    return "";
  }

  std::vector<PrometheusFamily> families_;
  std::set<std::string> names_;
  std::set<std::pair<std::string, Labels>> series_;
};

}  // namespace

Result<std::vector<PrometheusFamily>> ParsePrometheusText(std::string_view text) {
  Reader reader;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const auto line = TakeUntil(text, '\n');
    const std::string wrong = line ? reader.Take(*line) : "the last line has no end";
    if (!wrong.empty()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("line {}: {}", number, wrong));
    }
  }
  if (const std::string wrong = reader.End(); !wrong.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "end: " + wrong);
  }
  return reader.TakeFamilies();
}

}  // namespace sluice::dataplane
