// A folder of its own for a test, removed with everything in it at the end, also of a failed test.
#pragma once

#include <string>

namespace sluice::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  // Writes (replaces) a file in it and returns its path.
  std::string Write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

// Empty when there is no such file.
std::string ReadFile(const std::string& path);

}  // namespace sluice::test
