#include "tests/integration/ctl/ctl_test.h"

namespace sluice::test {

void CtlTest::Store(const std::string& yaml) const {
  EXPECT_THAT(Run({"apply", "-"}, yaml), Exits(0));
}

std::string CtlTest::StoreContent() const {
  const ProcessResult objects = Run({"get", "all", "-A", "-o", "json"});
  const ProcessResult version = Run({"version"});
  EXPECT_THAT(objects, Exits(0));
  EXPECT_THAT(version.out, testing::HasSubstr("generation "));
  return objects.out + version.out;
}

std::string UpstreamYaml(const std::string& name, const std::string& address) {
  return "---\napiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: " + name +
         "}\nspec:\n  endpoints:\n  - {address: \"" + address + "\"}\n";
}

std::string ListenerYaml(const std::string& name, const std::string& address,
                         const std::string& upstream) {
  return "---\napiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: " + name +
         "}\nspec:\n  address: \"" + address + "\"\n  routes:\n  - {proxy: {upstream: " + upstream +
         "}}\n";
}

ProcessResult BareCtl(std::vector<std::string> arguments,
                      std::vector<std::pair<std::string, std::string>> environment,
                      const std::string& stdin_text) {
  arguments.insert(arguments.begin(), BinPath("ctl"));
  ProcessOptions options;
  options.environment = {{"SLUICE_SERVER", ""}, {"SLUICE_CONFIG", ""}, {"HOME", "/nonexistent"}};
  options.environment.insert(options.environment.end(), environment.begin(), environment.end());
  options.stdin_text = stdin_text;
  return Run(arguments, options);
}

}  // namespace sluice::test
