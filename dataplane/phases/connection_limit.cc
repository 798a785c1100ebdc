#include "dataplane/phases/connection_limit.h"

#include <limits>

namespace sluice::dataplane {
namespace {

class ConnectionSlot final : public SlotToken {
 public:
  explicit ConnectionSlot(std::shared_ptr<SlotCounter> slots) : slots_(std::move(slots)) {}
  ~ConnectionSlot() override { slots_->Give(); }

 private:
  const std::shared_ptr<SlotCounter> slots_;
};

class ConnectionLimit final : public PhaseHandler {
 public:
  ConnectionLimit(std::optional<std::uint32_t> limit, std::shared_ptr<SlotCounter> slots)
      : limit_(limit), slots_(std::move(slots)) {}

  Verdict Run(SessionState& session, const FirstBytes&) const override {
    if (!slots_->TryTake(limit_.value_or(std::numeric_limits<std::uint32_t>::max()))) {
      session.limit_status = LimitStatus::kRejected;
      return Verdict::Close(CloseReason::kConnectionLimit);
    }
    session.held.push_back(std::make_unique<ConnectionSlot>(slots_));
    if (limit_) session.limit_status = LimitStatus::kPassed;
    return Verdict::NextHandler();
  }

 private:
  const std::optional<std::uint32_t> limit_;
  const std::shared_ptr<SlotCounter> slots_;
};

}  // namespace

std::unique_ptr<const PhaseHandler> MakeConnectionLimit(std::optional<std::uint32_t> limit,
                                                        std::shared_ptr<SlotCounter> slots) {
  return std::make_unique<ConnectionLimit>(limit, std::move(slots));
}

}  // namespace sluice::dataplane
