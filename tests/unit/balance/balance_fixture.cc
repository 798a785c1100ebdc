#include "tests/unit/balance/balance_fixture.h"

#include "common/base/check.h"

namespace sluice::dataplane {

namespace {

std::vector<BalanceEndpoint> SetOf(std::vector<TestEndpoint> endpoints) {
  std::vector<BalanceEndpoint> set;
  for (TestEndpoint& endpoint : endpoints) {
    set.push_back({.address = SocketAddress(),
                   .text = endpoint.text,
                   .weight = endpoint.weight,
                   .max_connections = endpoint.max_connections,
                   .backup = endpoint.backup,
                   .drain = endpoint.drain,
                   .state = endpoint.state});
  }
  return set;
}

}  // namespace

TestBalancer::TestBalancer(BalancePolicy policy, std::vector<TestEndpoint> endpoints,
                           PassiveHealth health, const TestBalancer* previous)
    : balancer_(std::make_unique<const Balancer>(policy, SetOf(std::move(endpoints)), health)),
      memory_(balancer_->NewMemory(previous ? &previous->memory_ : nullptr)) {}

std::optional<std::uint32_t> TestBalancer::PickIndex(Tries& tries, std::string_view key,
                                                     const SocketAddress* client) {
  const PickInput input{.client = client, .key = key, .now_s = now_s, .random = &random_};
  return balancer_->Pick(input, memory_, tries);
}

std::string TestBalancer::Text(std::optional<std::uint32_t> index) const {
  return index ? balancer_->endpoints()[*index].text : "-";
}

std::string TestBalancer::Pick(Tries& tries, std::string_view key) {
  return Text(PickIndex(tries, key, nullptr));
}

std::string TestBalancer::PickOnce(std::string_view key) {
  Tries tries;
  const auto index = PickIndex(tries, key, nullptr);
  if (index) {
    balancer_->Succeeded(*index);
    balancer_->Release(*index);
  }
  return Text(index);
}

std::string TestBalancer::Open(std::string_view key) {
  Tries tries;
  return Pick(tries, key);
}

std::string TestBalancer::Sequence(int count) {
  std::string texts;
  for (int i = 0; i < count; ++i) texts += (i == 0 ? "" : " ") + PickOnce();
  return texts;
}

std::string TestBalancer::PickAndFail() {
  Tries tries;
  const auto index = PickIndex(tries, {}, nullptr);
  if (index) {
    balancer_->Failed(*index, now_s, memory_);
    balancer_->Release(*index);
  }
  return Text(index);
}

std::string TestBalancer::PickFor(std::string_view client) {
  const auto address = SocketAddress::Parse(client);
  SLUICE_CHECK(address.has_value());
  Tries tries;
  const auto index = PickIndex(tries, {}, &*address);
  if (index) balancer_->Release(*index);
  return Text(index);
}

std::uint32_t TestBalancer::IndexOf(std::string_view text) const {
  const auto& endpoints = balancer_->endpoints();
  for (std::uint32_t i = 0; i < endpoints.size(); ++i) {
    if (endpoints[i].text == text) return i;
  }
  SLUICE_CHECK(false);
}

EndpointState& TestBalancer::state(std::string_view text) const {
  return *balancer_->endpoints()[IndexOf(text)].state;
}

}  // namespace sluice::dataplane
