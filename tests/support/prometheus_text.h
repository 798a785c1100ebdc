// A strict reader of the Prometheus text format 0.0.4, stricter than the format asks: a family is
// HELP, TYPE and then its samples, all in one place; nothing stands twice; no comments, no times.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace sluice::dataplane {

struct PrometheusSample {
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct PrometheusFamily {
  std::string name;
  std::string help;
  std::string type;  // counter or gauge.
  std::vector<PrometheusSample> samples;
};

// The error names the line.
Result<std::vector<PrometheusFamily>> ParsePrometheusText(std::string_view text);

}  // namespace sluice::dataplane
