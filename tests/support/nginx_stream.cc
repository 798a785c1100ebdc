#include "tests/support/nginx_stream.h"

#include <filesystem>

#include "common/base/check.h"
#include "tests/support/eventually.h"

namespace sluice::test {

NginxStream::NginxStream(const std::string& endpoint, const std::string& directives) {
  // Debian has the module beside the server.
  constexpr const char* kModule = "/usr/lib/nginx/modules/ngx_stream_module.so";
  std::string config = "daemon off; worker_processes 1; pid " + dir_.File("pid") + ";\nerror_log " +
                       dir_.File("error.log") + ";\n";
  if (std::filesystem::exists(kModule)) config += std::string("load_module ") + kModule + ";\n";
  config += "events { worker_connections 1024; }\nstream { server { listen " + Address() +
            "; proxy_pass " + endpoint + "; " + directives + " } }\n";
  dir_.Write("nginx.conf", config);
  process_ = std::make_unique<Process>(
      std::vector<std::string>{"nginx", "-p", dir_.path(), "-c", dir_.File("nginx.conf")});
  // The worker writes nothing when it is ready; the socket listens from before it is forked.
  SLUICE_CHECK(Eventually([this] { return std::filesystem::exists(dir_.File("pid")); }));
}

}  // namespace sluice::test
