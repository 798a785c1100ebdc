#include "tests/integration/xds_client/scripted_ads.h"

#include <gtest/gtest.h>

#include "sluice/v1/generation.pb.h"
#include "tests/support/eventually.h"

namespace sluice::test {

class ScriptedAds::Discovery final
    : public envoy::service::discovery::v3::AggregatedDiscoveryService::Service {
 public:
  explicit Discovery(ScriptedAds& ads) : ads_(ads) {}

 private:
  grpc::Status DeltaAggregatedResources(
      grpc::ServerContext* context, grpc::ServerReaderWriter<Response, Request>* wire) override {
    const auto stream = std::make_shared<AdsStream>();
    stream->context_ = context;
    stream->wire_ = wire;
    if (ads_.profile_) context->AddInitialMetadata("sluice-xds-profile", "generation");
    wire->SendInitialMetadata();
    {
      const std::lock_guard lock(ads_.mutex_);
      ads_.streams_.push_back(stream);
      ads_.all_streams_.push_back(stream);
    }
    ads_.opened_.notify_all();
    for (Request request; wire->Read(&request);) {
      const std::lock_guard lock(stream->mutex_);
      stream->requests_.push_back(request);
      stream->arrived_.notify_all();
    }
    const std::lock_guard lock(stream->mutex_);
    stream->broken_ = true;
    stream->arrived_.notify_all();
    return grpc::Status::OK;
  }

  ScriptedAds& ads_;
};

class ScriptedAds::Status final : public v1::NodeStatusService::Service {
 public:
  explicit Status(ScriptedAds& ads) : ads_(ads) {}

 private:
  grpc::Status Report(grpc::ServerContext*,
                      grpc::ServerReaderWriter<v1::NodeReportAck, v1::NodeReport>* wire) override {
    for (v1::NodeReport report; wire->Read(&report);) {
      {
        const std::lock_guard lock(ads_.mutex_);
        ads_.report_ = report;
        ++ads_.reports_;
      }
      wire->Write({});
    }
    return grpc::Status::OK;
  }

  ScriptedAds& ads_;
};

ScriptedAds::ScriptedAds(std::string address, bool profile)
    : profile_(profile),
      discovery_(std::make_unique<Discovery>(*this)),
      status_(std::make_unique<Status>(*this)) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(discovery_.get());
  builder.RegisterService(status_.get());
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr) << address;
}

ScriptedAds::~ScriptedAds() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

std::shared_ptr<AdsStream> ScriptedAds::NextStream(std::vector<Request>* opening) {
  std::shared_ptr<AdsStream> stream;
  {
    std::unique_lock lock(mutex_);
    if (!opened_.wait_for(lock, kPatience, [this] { return !streams_.empty(); })) {
      ADD_FAILURE() << "no stream was opened";
      return std::make_shared<AdsStream>();
    }
    stream = streams_.front();
    streams_.pop_front();
  }
  for (int i = 0; i < 5; ++i) {
    Request request = stream->Next();
    if (opening != nullptr) opening->push_back(std::move(request));
  }
  return stream;
}

std::optional<v1::NodeReport> ScriptedAds::LastReport() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

Request AdsStream::Next() {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, kPatience, [this] { return !requests_.empty() || broken_; }) ||
      requests_.empty()) {
    ADD_FAILURE() << "no request came";
    return {};
  }
  Request request = std::move(requests_.front());
  requests_.pop_front();
  return request;
}

void AdsStream::Send(const Response& response) { wire_->Write(response); }

Request AdsStream::Exchange(const Response& response) {
  Send(response);
  Request answer = Next();
  EXPECT_EQ(answer.response_nonce(), response.nonce());
  EXPECT_EQ(answer.type_url(), response.type_url());
  return answer;
}

void AdsStream::Break() { context_->TryCancel(); }

bool AdsStream::broken() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

}  // namespace sluice::test
