// A folder for the files of one test.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config_test_support.h"

namespace agw::config {

class ConfigFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "config_test.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Makes folders that `name` needs.
  std::string write(const std::string& name, const std::string& content) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

  LoadResult load(const std::string& name, Variables variables = {}) {
    return loadSettings((folder_ / name).string(), environmentOf(std::move(variables)));
  }

  // All problem lines, without the folder.
  std::string problemsOf(const std::string& name, Variables variables = {}) {
    return withoutFolder(lines(load(name, std::move(variables)).problems));
  }

  std::string withoutFolder(std::string text) const {
    const std::string prefix = folder_.string() + '/';
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at)) {
      text.erase(at, prefix.size());
    }
    return text;
  }

  std::filesystem::path folder_;
};

}  // namespace agw::config
