// The symbolic name of an errno, `ECONNREFUSED`: the same in logs, variables and metric labels,
// whatever the locale. Thread-safe.
#pragma once

#include <string.h>

#include <string_view>

namespace sluice {

inline std::string_view ErrorName(int error) {
  const char* name = ::strerrorname_np(error);
  return name == nullptr ? "unknown" : name;
}

}  // namespace sluice
