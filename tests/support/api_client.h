// The API from inside a test, for tests that apply more often than ctl could be started.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::test {

class ApiClient {
 public:
  explicit ApiClient(const std::string& api);
  ~ApiClient();

  // Applies YAML text; the generation it became, or -1 with the reason in last_error().
  std::int64_t Apply(const std::string& yaml);
  // The generation `node` says it runs, or -1.
  std::int64_t ActiveGeneration(const std::string& node);
  const std::string& last_error() const { return last_error_; }

 private:
  struct Stub;
  std::unique_ptr<Stub> stub_;
  std::string last_error_;
};

}  // namespace sluice::test
