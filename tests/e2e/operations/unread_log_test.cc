// Nobody reads the standard error of either plane, and the pipe is full.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/api_client.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tag_server.h"
#include "tests/support/unread_pipe.h"

namespace sluice::test {
namespace {

TEST(UnreadLog, StopsNeitherChangesNorSessionsNorTheEndOfEitherPlane) {
  UnreadPipe pipe;
  const TagServer a('a');
  const TagServer b('b');
  const PortLease front;
  ControlPlane control_plane("", pipe.path());
  DataPlane data_plane({.control_plane = control_plane.xds(),
                        .more_flags = {"--log-level", "debug"},
                        .standard_error = pipe.path()});
  ApiClient api(control_plane.api());
  for (int i = 0; i < 50; ++i) {
    const TagServer& wanted = i % 2 == 0 ? a : b;
    ASSERT_GT(api.Apply(ProxyManifest(front.Address(), wanted.address())), 0) << api.last_error();
    ASSERT_TRUE(Eventually([&] { return TagAt(front.Address()) == (i % 2 == 0 ? 'a' : 'b'); }));
  }
  EXPECT_EQ(data_plane.Stop(), 0);
  EXPECT_EQ(control_plane.Stop(), 0);
}

}  // namespace
}  // namespace sluice::test
