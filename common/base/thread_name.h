// Names of threads, as `top -H`, debuggers and profilers show them.
#pragma once

#include <pthread.h>

#include <string>

namespace sluice {

// Linux keeps the first 15 bytes.
inline void NameThisThread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace sluice
