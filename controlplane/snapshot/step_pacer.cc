#include "controlplane/snapshot/step_pacer.h"

#include <algorithm>

namespace sluice::controlplane {

void StepPacer::Stepped(Clock::time_point begun, Clock::time_point done) {
  const Clock::duration pause = (done - begun) * kShare;
  next_ = begun + std::clamp<Clock::duration>(pause, kShortest, kLongest);
}

}  // namespace sluice::controlplane
