#include "common/base/socket_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace sluice {
namespace {

TEST(SocketFile, IsRemoved) {
  const test::TempDir dir;
  const std::string path = dir.Write("a.sock", "");
  const SocketFile file(*SocketAddress::Parse("unix:" + path));
  file.Remove();
  EXPECT_FALSE(std::filesystem::exists(path));
  file.Remove();
}

TEST(SocketFile, WhatAnotherProcessHasPutThereStays) {
  const test::TempDir dir;
  const std::string path = dir.Write("a.sock", "");
  const SocketFile file(*SocketAddress::Parse("unix:" + path));
  std::filesystem::rename(dir.Write("other", ""), path);
  file.Remove();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(SocketFile, OfAnotherAddressIsNone) {
  const SocketFile file(*SocketAddress::Parse("127.0.0.1:1"));
  file.Remove();
}

}  // namespace
}  // namespace sluice
