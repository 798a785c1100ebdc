#include "tests/support/sluice_processes.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <utility>

#include "common/base/check.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {

std::string ProxyManifest(const std::string& listen, const std::string& endpoint) {
  return "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: web}\nspec: {endpoints: "
         "[{address: \"" +
         endpoint +
         "\"}]}\n---\napiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: front}\nspec: "
         "{address: \"" +
         listen + "\", routes: [{proxy: {upstream: web}}]}\n";
}

std::string BinPath(const std::string& program) {
  const char* dir = std::getenv("SLUICE_BIN_DIR");
  return std::string(dir != nullptr ? dir : SLUICE_BIN_DIR) + "/" + program;
}

ControlPlane::ControlPlane(const std::string& store, const std::string& standard_error)
    : store_(store.empty() ? "sqlite:" + dir_.File("store.db") : store) {
  process_options_.standard_error = standard_error;
  Start();
}

ControlPlane::ControlPlane(ProcessOptions options)
    : store_("sqlite:" + dir_.File("store.db")), process_options_(std::move(options)) {
  Start();
}

void ControlPlane::Start() {
  process_ =
      std::make_unique<Process>(std::vector<std::string>{BinPath("sluice-controlplane"), "--api",
                                                         api(), "--xds", xds(), "--store", store_},
                                process_options_);
  const bool serving = Eventually([this] { return CanConnect(api()) && CanConnect(xds()); });
  if (!serving) ADD_FAILURE() << "the control plane does not serve:\n" << process_->Err();
}

void ControlPlane::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

int ControlPlane::Stop() {
  process_->Signal(SIGTERM);
  return process_->Wait().value_or(-1);
}

DataPlane::DataPlane(DataPlaneOptions options) : options_(std::move(options)) { Start(); }

void DataPlane::Start() {
  std::vector<std::string> command = {
      BinPath("sluice-dataplane"),     "--node", options_.node, "--admin", admin(), "--workers",
      std::to_string(options_.workers)};
  if (!options_.control_plane.empty()) {
    command.insert(command.end(),
                   {"--control-plane", options_.control_plane, "--state-dir", state_dir()});
  }
  if (!options_.config.empty()) command.insert(command.end(), {"--config", options_.config});
  for (const std::string& label : options_.labels) {
    command.insert(command.end(), {"--label", label});
  }
  command.insert(command.end(), {"--shutdown-delay", options_.shutdown_delay});
  command.insert(command.end(), options_.more_flags.begin(), options_.more_flags.end());
  ProcessOptions process_options;
  process_options.max_open_files = options_.max_open_files;
  process_options.blocked_signals = options_.blocked_signals;
  process_options.standard_error = options_.standard_error;
  process_ = std::make_unique<Process>(command, process_options);
  const bool serving = Eventually([this] { return CanConnect(admin()); });
  if (!serving) ADD_FAILURE() << "the data plane does not serve:\n" << process_->Err();
}

std::unique_ptr<Process> DataPlane::StartSuccessor() {
  auto before = std::move(process_);
  Start();
  return before;
}

void DataPlane::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

int DataPlane::Stop() {
  process_->Signal(SIGTERM);
  return process_->Wait().value_or(-1);
}

bool DataPlane::Ready() const {
  TcpClient client(admin());
  return client.connected() && client.Send("GET /readyz HTTP/1.0\r\n\r\n") &&
         client.Receive(12).ends_with(" 200");
}

std::string DataPlane::Admin(const std::string& page) const {
  TcpClient client(admin());
  if (!client.connected()) return "";
  client.Send("GET " + page + " HTTP/1.0\r\n\r\n");
  const std::string answer = client.Receive(std::size_t{64} << 20);
  const auto body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "" : answer.substr(body + 4);
}

double DataPlane::Metric(const std::string& name_with_labels) const {
  const std::string text = "\n" + Admin("/metrics");
  const auto at = text.find("\n" + name_with_labels + " ");
  if (at == std::string::npos) return -1;
  return std::strtod(text.c_str() + at + name_with_labels.size() + 2, nullptr);
}

ProcessResult Ctl(const std::string& api, std::vector<std::string> arguments,
                  const std::string& stdin_text) {
  std::vector<std::string> command = {BinPath("ctl"), "--server", api};
  command.insert(command.end(), arguments.begin(), arguments.end());
  ProcessOptions options;
  options.stdin_text = stdin_text;
  return Run(command, options, std::chrono::seconds(60));
}

void ApplyAndWait(const std::string& api, const std::string& yaml) {
  // Nothing would be waited for before the first data plane has said that it is there.
  EXPECT_TRUE(Eventually([&] {
    return !Ctl(api, {"get", "dataplanes", "-o", "name"}).out.empty();
  }));
  const ProcessResult result = Ctl(api, {"apply", "--wait", "--timeout", "50s", "-"}, yaml);
  EXPECT_EQ(result.status, 0) << result.out << result.err;
}

}  // namespace sluice::test
