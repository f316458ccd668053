#include "shared/model_id.h"

#include <gtest/gtest.h>

#include <string>

namespace agw {
namespace {

std::string canonical(std::string_view id) {
  const auto result = canonicalModelId(id);
  return result ? std::string(result->view()) : "(none)";
}

TEST(ModelId, BareNamesAreInTheDefaultNamespace) {
  EXPECT_EQ(canonical("helper"), "default/helper");
  EXPECT_EQ(canonical("default/helper"), "default/helper");
  EXPECT_EQ(canonical("research/deep"), "research/deep");
  EXPECT_EQ(canonical("default"), "default/default");
}

TEST(ModelId, TheNamespaceEndsAtTheFirstSlash) {
  const auto id = canonicalModelId("lmstudio/qwen/qwen3-8b@q4_k_m");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->nameSpace(), "lmstudio");
  EXPECT_EQ(id->name(), "qwen/qwen3-8b@q4_k_m");
  EXPECT_EQ(canonical("a//b"), "a//b");
}

TEST(ModelId, IsCaseSensitive) {
  EXPECT_NE(canonical("Helper"), canonical("helper"));
  EXPECT_EQ(canonical("Default/x"), "Default/x");
}

TEST(ModelId, TakesExactlyItsCharacters) {
  const std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@+-";
  for (int c = 0; c < 256; ++c) {
    const std::string id{'a', static_cast<char>(c), 'b'};
    EXPECT_EQ(canonicalModelId(id).has_value(),
              kAllowed.find(static_cast<char>(c)) != std::string_view::npos)
        << c;
  }
}

TEST(ModelId, RefusesEmptyPartsAndLongIds) {
  EXPECT_EQ(canonical(""), "(none)");
  EXPECT_EQ(canonical("/"), "(none)");
  EXPECT_EQ(canonical("/a"), "(none)");
  EXPECT_EQ(canonical("a/"), "(none)");
  EXPECT_EQ(canonical(std::string(256, 'a')), "default/" + std::string(256, 'a'));
  EXPECT_EQ(canonical(std::string(257, 'a')), "(none)");
}

TEST(ModelId, CanonicalIdsStayAsTheyAre) {
  for (const auto* id : {"helper", "default/x", "a/b", "a/b/c", "default/a/b"}) {
    EXPECT_EQ(canonical(canonical(id)), canonical(id));
  }
}

TEST(ModelId, TheShortestFormMeansTheSameModel) {
  EXPECT_EQ(shortestModelId("default/helper"), "helper");
  EXPECT_EQ(shortestModelId("research/deep"), "research/deep");
  // "a/b" alone would be namespace "a".
  EXPECT_EQ(shortestModelId("default/a/b"), "default/a/b");
  EXPECT_EQ(shortestModelId("defaults/x"), "defaults/x");
  for (const auto* id : {"default/helper", "research/deep", "default/a/b", "default/default"}) {
    EXPECT_EQ(canonical(shortestModelId(id)), id);
  }
}

}  // namespace
}  // namespace agw
