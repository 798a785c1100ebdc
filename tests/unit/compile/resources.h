// Resources as the compiler gets them, from text-format specs.
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/model/resource.h"
#include "common/model/validate.h"
#include "dataplane/compile/resource_update.h"
#include "dataplane/log/access_log.h"

namespace sluice::dataplane {

template <typename T>
ResourceUpdate Update(const std::string& name, const std::string& spec) {
  auto message = std::make_unique<T>();
  message->mutable_metadata()->set_name(name);
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(spec, message->mutable_spec())) << spec;
  auto resource =
      std::make_shared<const model::Resource>(model::Resource::FromMessage(std::move(message)));
  EXPECT_TRUE(model::Validate(*resource).empty()) << spec;
  return {resource->key(), {resource, resource->version()}};
}

inline ResourceUpdate Gone(const ResourceUpdate& update) { return {update.key, {}}; }

// Opens everything but what stands below /absent/.
class FakeLogWriter final : public AccessLogWriter {
 public:
  Result<std::shared_ptr<LogDestination>> Open(std::string_view to) override {
    ++opened;
    if (to.starts_with("/forbidden/")) return Fail(ErrorCode::kPermissionDenied, "not there");
    if (to.starts_with("/absent/") && !absent_folder_is_there)
      return Fail(ErrorCode::kUnavailable, "no such folder");
    class Nowhere final : public LogDestination {
     public:
      bool Write(std::string_view) override { return true; }
    };
    return std::make_shared<Nowhere>();
  }
  void Reopen() override {}
  std::uint64_t lost() const override { return 0; }

  bool absent_folder_is_there = false;
  std::size_t opened = 0;
};

}  // namespace sluice::dataplane
