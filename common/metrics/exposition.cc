#include "common/metrics/exposition.h"

#include <fmt/format.h>

#include <iterator>

namespace sluice::dataplane {
namespace {

void AppendLabelValue(std::string_view value, std::string& out) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

}  // namespace

void Exposition::Begin(const Metric& metric) {
  name_ = metric.name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", metric.name,
                 metric.help, metric.name,
                 metric.type == MetricType::kCounter ? "counter" : "gauge");
}

void Exposition::NameAndLabels(MetricLabels labels) {
  text_ += name_;
  char before = '{';
  for (const auto& [label, value] : labels) {
    text_ += before;
    text_ += label;
    text_ += "=\"";
    AppendLabelValue(value, text_);
    text_ += '"';
    before = ',';
  }
  if (labels.size() != 0) text_ += '}';
  text_ += ' ';
}

void Exposition::Sample(MetricLabels labels, std::uint64_t value) {
  NameAndLabels(labels);
  fmt::format_to(std::back_inserter(text_), "{}\n", value);
}

void Exposition::SampleSeconds(double value) {
  NameAndLabels({});
  fmt::format_to(std::back_inserter(text_), "{:.3f}\n", value);
}

}  // namespace sluice::dataplane
