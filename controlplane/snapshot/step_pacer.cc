#include "controlplane/snapshot/step_pacer.h"

#include <algorithm>

namespace sluice::controlplane {

void StepPacer::Stepped(Clock::time_point begun, Clock::time_point done, std::size_t streams) {
  const auto counted = std::min<std::size_t>(streams, kEnough / kOneStream);
  const Clock::duration for_streams = kOneStream * counted;
  const Clock::duration for_the_rest = (done - begun) * kShare;
  next_ = begun + std::min<Clock::duration>(std::max(for_streams, for_the_rest), kLongest);
}

}  // namespace sluice::controlplane
