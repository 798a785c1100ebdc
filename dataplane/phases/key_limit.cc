#include "dataplane/phases/key_limit.h"

#include <string>
#include <utility>

#include "common/base/limits.h"
#include "dataplane/variables/text_template.h"

namespace sluice::dataplane {
namespace {

class KeySlot final : public SlotToken {
 public:
  KeySlot(std::shared_ptr<KeySlotTable> table, std::uint32_t slot)
      : table_(std::move(table)), slot_(slot) {}
  ~KeySlot() override { table_->Give(slot_); }

 private:
  const std::shared_ptr<KeySlotTable> table_;
  const std::uint32_t slot_;
};

class KeyLimitHandler final : public PhaseHandler {
 public:
  explicit KeyLimitHandler(std::vector<KeyLimit> limits) : limits_(std::move(limits)) {}

  Verdict Run(SessionState& session, const FirstBytes&) const override {
    const std::size_t held_before = session.held.size();
    std::string key;
    for (const KeyLimit& limit : limits_) {
      key.clear();
      limit.key->Render(session, key);
      if (key.empty() || key.size() > limits::kLimitKeyBytes) continue;
      const KeySlotTable::Taking taking = limit.slots->Take(key, limit.connections);
      if (taking.outcome != KeySlotTable::Outcome::kTaken) {
        session.held.resize(held_before);
        session.limit_status = LimitStatus::kRejected;
        return Verdict::Close(CloseReason::kKeyLimit);
      }
      session.held.push_back(std::make_unique<KeySlot>(limit.slots, taking.slot));
      session.limit_status = LimitStatus::kPassed;
    }
    return Verdict::NextHandler();
  }

 private:
  const std::vector<KeyLimit> limits_;
};

}  // namespace

std::unique_ptr<const PhaseHandler> MakeKeyLimit(std::vector<KeyLimit> limits) {
  return std::make_unique<KeyLimitHandler>(std::move(limits));
}

}  // namespace sluice::dataplane
