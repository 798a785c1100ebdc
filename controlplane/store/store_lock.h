// Who may have a store's file open. Control planes on one machine share it: SQLite orders them by
// locks and by memory that they map together. Machines cannot share that memory, so a file on a
// file system that several machines may have mounted serves one control plane.
//
// The lock is flock(2) on `PATH-lock`, and the kernel drops it when the process dies, however it
// does: shared for a control plane on a local disk, exclusive otherwise. Whoever has it exclusively
// (a restore, say: `flock -xn PATH-lock cp …`) has the store to himself. It is not on the store's
// own file, because closing any descriptor of that one drops the locks that SQLite holds on it in
// the same process.
#pragma once

#include <string>

#include "common/base/error.h"

namespace sluice::controlplane {

class StoreLock {
 public:
  // Creates the store's file (readable by its owner alone) and the lock's when absent, not their
  // directory. Does not wait. Errors say what is wrong with the path, or who has the store.
  static Result<StoreLock> Take(const std::string& path);

  StoreLock(StoreLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  StoreLock& operator=(StoreLock&&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

// Whether several machines may have mounted a file system of this type (statfs(2), f_type): network
// and cluster file systems, and those that a hypervisor or a daemon serves.
bool MayHaveSeveralMachines(long file_system_type);

}  // namespace sluice::controlplane
