#include "common/metrics/exposition.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/prometheus_text.h"

namespace sluice::dataplane {
namespace {

constexpr Metric kSize{"a_size", MetricType::kGauge, "How large."};

TEST(Exposition, IsHelpAndTypeAndThenTheSamples) {
  Exposition out;
  out.Begin({"a_things_total", MetricType::kCounter, "Things."});
  out.Sample({{"kind", "x"}, {"where", "y"}}, 18'446'744'073'709'551'615U);
  out.Begin(kSize);
  out.Sample({}, 0);
  out.Begin({"a_age_seconds", MetricType::kGauge, "How old."});
  out.SampleSeconds(1.5);
  EXPECT_EQ(out.Take(),
            "# HELP a_things_total Things.\n# TYPE a_things_total counter\n"
            "a_things_total{kind=\"x\",where=\"y\"} 18446744073709551615\n"
            "# HELP a_size How large.\n# TYPE a_size gauge\na_size 0\n"
            "# HELP a_age_seconds How old.\n# TYPE a_age_seconds gauge\na_age_seconds 1.500\n");
}

TEST(Exposition, EscapesLabelValuesSoThatTheyAreReadAsTheyWere) {
  const std::string hostile = "a\"} 1\nb{x=\"\\\\n";
  Exposition out;
  out.Begin(kSize);
  out.Sample({{"x", hostile}}, 7);
  const auto families = ParsePrometheusText(out.Take());
  ASSERT_TRUE(families) << families.error().message;
  ASSERT_EQ((*families)[0].samples.size(), 1U);
  EXPECT_EQ((*families)[0].samples[0].labels.at("x"), hostile);
}

// The reader that the other tests trust.
TEST(PrometheusText, ThatIsWrongIsRefused) {
  const std::string begin = "# HELP a A.\n# TYPE a gauge\n";
  ASSERT_TRUE(ParsePrometheusText(begin + "a 1\na{b=\"c\"} 1\na{b=\"d\",e=\"\\\\\\\"\\n\"} 2.5\n"));
  for (const char* samples : {"a 1",
                              "a\n",
                              "a \n",
                              "a x\n",
                              "a 1x\n",
                              "a -1\n",
                              "a NaN\n",
                              "a  1\n",
                              "b 1\n",
                              "ab 1\n",
                              "a{} 1\n",
                              "a{b} 1\n",
                              "a{b=c} 1\n",
                              "a{b=\"c} 1\n",
                              "a{b=\"\\c\"} 1\n",
                              "a{1b=\"c\"} 1\n",
                              "a{b=\"c\",b=\"d\"} 1\n",
                              "a{b=\"c\"}1\n",
                              "a 1\na 2\n",
                              "a{b=\"c\"} 1\na{b=\"c\"} 2\n",
                              "\n",
                              "# HELP b B.\n",
                              "# HELP b B.\nb 1\n",
                              "# TYPE b gauge\n",
                              "# TYPE a gauge\n",
                              "# HELP a A.\n# TYPE a gauge\n",
                              "# HELP b B.\n# TYPE b histogram\n",
                              "# HELP b B.\n# TYPE b gauge\na 1\n",
                              "# HELP b\n# TYPE b gauge\n"}) {
    EXPECT_FALSE(ParsePrometheusText(begin + samples)) << samples;
  }
}

}  // namespace
}  // namespace sluice::dataplane
