// The folder of --state-dir and the right to write to it. Several data planes may be given one
// folder, by mistake or because a restart overlaps: one of them has it, by a lock on `lock` in it
// that the kernel gives back when its process ends. Nothing in it is trusted to be what its name
// says: links and anything but plain files are left alone. One thread at a time.
#pragma once

#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace sluice::dataplane {

class StateFolder {
 public:
  // `node`: whoever finds the folder taken is told this name.
  StateFolder(std::string dir, std::string node);

  // Makes the folder if need be and takes it; nothing when this object has it already. Fails with a
  // message for people: it cannot be written to, or another process has it. May be tried again.
  Result<void> Claim();
  // Others may have it.
  void Release() { lock_.reset(); }

  // As the last Claim() found it: a data plane of another name has it, so what is saved there is
  // not for this one.
  bool is_of_another_node() const { return of_another_node_; }
  // Of the saved state.
  std::string file() const;

 private:
  Result<void> Lock();

  std::string dir_;
  std::string node_;
  UniqueFd lock_;
  bool of_another_node_ = false;
};

}  // namespace sluice::dataplane
