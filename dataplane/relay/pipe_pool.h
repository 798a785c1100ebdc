// The pipes through which hot directions are spliced. An empty pipe is handed back and kept for the
// next; how many exist at a time is bounded. Worker thread only.
#pragma once

#include <cstddef>
#include <vector>

#include "common/base/unique_fd.h"

namespace sluice::dataplane {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

class PipePool {
 public:
  // False: none to be had (the bound is reached, or descriptors or pipe memory ran out). The caller
  // copies instead.
  bool Take(Pipe& pipe);
  // Only empty ones may be given back; others are closed with Drop().
  void Give(Pipe pipe);
  void Drop(Pipe pipe);

 private:
  std::vector<Pipe> idle_;
  std::size_t in_use_ = 0;
};

}  // namespace sluice::dataplane
