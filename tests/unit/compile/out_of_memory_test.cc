// Every allocation of a change fails once: the process goes on, says what is not in force, and the
// next try puts it in force as if nothing had been.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/compile/compiler.h"
#include "sluice/v1/access_policy.pb.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/upstream.pb.h"
#include "tests/unit/compile/resources.h"

namespace {

// 0: none fails. Counted down by each allocation of this thread.
thread_local std::uint64_t until_failure = 0;
thread_local bool failed = false;

void* Allocate(std::size_t size) {
  if (until_failure != 0 && --until_failure == 0) {
    failed = true;
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace sluice::dataplane {
namespace {

using ::testing::IsEmpty;

ResourceUpdates Before() {
  return {
      Update<v1::Upstream>("ring",
                           "balance { policy: RING_HASH hash { key: '$remote_addr' } } "
                           "endpoints { address: '127.0.0.1:1' weight: 65535 } "
                           "endpoints { address: '127.0.0.1:2' }"),
      Update<v1::EndpointSlice>("s", "upstream: 'ring' endpoints { address: '127.0.0.1:3' }"),
      Update<v1::AccessPolicy>("who", "default_action: ALLOW"),
      Update<v1::Upstream>("gone", "endpoints { address: '127.0.0.1:9' }"),
      Update<v1::Listener>("front",
                           "address: '127.0.0.1:80' access_policies: 'who' "
                           "routes { proxy { upstream: 'ring' } }"),
      Update<v1::Listener>("back", "address: '127.0.0.1:81' routes { proxy { upstream: 'gone' } }"),
  };
}

// Everything that a change can be: new, other, moved and removed objects of each kind.
ResourceUpdates Change() {
  const ResourceUpdates before = Before();
  return {
      Update<v1::Upstream>("ring",
                           "balance { policy: RING_HASH hash { key: '$remote_addr' } } "
                           "endpoints { address: '127.0.0.1:1' weight: 6 }"),
      Update<v1::Upstream>("web", "endpoints { address: '127.0.0.1:7' }"),
      Update<v1::EndpointSlice>("s", "upstream: 'web' endpoints { address: '127.0.0.1:3' }"),
      Update<v1::EndpointSlice>("t", "upstream: 'ring' endpoints { address: '127.0.0.1:4' }"),
      Update<v1::AccessPolicy>("who",
                               "default_action: DENY rules { action: ALLOW sources: "
                               "'10.0.0.0/8' }"),
      Gone(before.at(3)),
      Gone(before.at(5)),
      Update<v1::Listener>("front",
                           "address: '127.0.0.1:81' access_policies: 'who' "
                           "limits { connections: 5 } routes { proxy { upstream: 'web' } "
                           "} access_log { to: '/var/log/x' format: '$status' }"),
      Update<v1::Listener>("new", "address: '127.0.0.1:80' routes { proxy { upstream: 'ring' } }"),
  };
}

class OutOfMemory : public ::testing::Test {
 protected:
  std::unique_ptr<Compiler> MakeCompiler() {
    return std::make_unique<Compiler>(Compiler::Settings{{}, 2, {&logs_, "off"}});
  }
  // Listeners with their upstreams' endpoints, as workers would serve them.
  static std::vector<std::string> Served(const RuntimeConfig& config) {
    std::vector<std::string> all;
    for (const auto& listener : *config.listeners) {
      std::string text = listener->name + " " + listener->address.Text();
      for (const auto& upstream : listener->upstreams) {
        text += " " + upstream->name;
        for (const auto& endpoint : config.upstreams.at(upstream->slot)->balancer->endpoints()) {
          text += " " + endpoint.text;
        }
      }
      all.push_back(text);
    }
    return all;
  }
  FakeLogWriter logs_;
};

TEST_F(OutOfMemory, WhereverItStrikesTheChangeIsNamedAndDoneWhenThereIsMemory) {
  const ResourceUpdates before = Before();
  const ResourceUpdates change = Change();
  const auto untroubled = MakeCompiler();
  untroubled->Compile(before);
  const std::vector<std::string> right = Served(*untroubled->Compile(change));
  ASSERT_THAT(untroubled->Problems(), IsEmpty());
  ASSERT_EQ(right.size(), 2U);

  std::uint64_t failures = 0;
  for (std::uint64_t at = 1;; ++at) {
    SCOPED_TRACE(at);
    const auto compiler = MakeCompiler();
    compiler->Compile(before);
    ResourceUpdates updates = change;
    until_failure = at;
    failed = false;
    auto config = compiler->Compile(std::move(updates));
    until_failure = 0;
    if (!failed) break;
    ++failures;
    ASSERT_EQ(config->listeners->size() + compiler->Problems().size() >= 2, true);
    if (Served(*config) != right) {
      ASSERT_TRUE(compiler->ToBeTriedAgain());
      ASSERT_FALSE(compiler->Problems().empty());
    }
    config = compiler->Compile({});
    ASSERT_EQ(Served(*config), right);
    ASSERT_THAT(compiler->Problems(), IsEmpty());
    ASSERT_FALSE(compiler->ToBeTriedAgain());
  }
  EXPECT_GT(failures, 100U);
}

}  // namespace
}  // namespace sluice::dataplane
