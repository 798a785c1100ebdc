// Prometheus text format 0.0.4: families of samples, each with HELP and TYPE. Pure.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::dataplane {

enum class MetricType : std::uint8_t { kCounter, kGauge };

struct Metric {
  std::string_view name;
  MetricType type;
  std::string_view help;
};

using MetricLabels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Exposition {
 public:
  // All samples of a family stand together: begins it.
  void Begin(const Metric& metric);
  // A sample of the family begun last.
  void Sample(MetricLabels labels, std::uint64_t value);
  void SampleSeconds(double value);

  std::string Take() { return std::move(text_); }

 private:
  void NameAndLabels(MetricLabels labels);

  std::string_view name_;
  std::string text_;
};

}  // namespace sluice::dataplane
