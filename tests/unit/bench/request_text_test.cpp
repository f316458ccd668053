#include "bench/load/request_text.h"

#include <gtest/gtest.h>

namespace agent_load {
namespace {

Options optionsWith(const std::string& body) {
  Options options;
  options.url = parseUrl("http://127.0.0.1:8080/v1/x");
  options.body = body;
  return options;
}

TEST(RequestText, PutsTheIdInAndCountsTheBody) {
  Options options = optionsWith(R"({"a":"{{id}}","b":"{{id}}"})");
  options.headers = {{"Authorization", "Bearer k"}};
  std::string room;
  EXPECT_EQ(RequestText(options).render("load-12", room),
            "POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
            "Authorization: Bearer k\r\nContent-Length: 29\r\n\r\n"
            R"({"a":"load-12","b":"load-12"})");
}

TEST(RequestText, WithoutAnIdAllShareOneText) {
  const RequestText text(optionsWith("{}"));
  std::string room;
  const std::string_view first = text.render("load-1", room);
  EXPECT_TRUE(first.ends_with("Content-Length: 2\r\n\r\n{}")) << first;
  EXPECT_EQ(text.render("load-2", room).data(), first.data());
  EXPECT_TRUE(room.empty());
}

TEST(RequestText, AnIdAtEitherEndOrAlone) {
  std::string room;
  EXPECT_TRUE(RequestText(optionsWith("{{id}}")).render("x-1", room).ends_with(": 3\r\n\r\nx-1"));
  EXPECT_TRUE(
      RequestText(optionsWith("{{id}}-{{id}}")).render("7", room).ends_with(": 3\r\n\r\n7-7"));
}

TEST(RequestText, AnEmptyBodyIsAllowed) {
  std::string room;
  EXPECT_TRUE(
      RequestText(optionsWith("")).render("x", room).ends_with("Content-Length: 0\r\n\r\n"));
}

TEST(RequestText, HeadersGivenByNameReplaceTheDefaults) {
  Options options = optionsWith("x");
  options.headers = {{"host", "gateway.example"}, {"content-type", "text/plain"}};
  std::string room;
  EXPECT_EQ(RequestText(options).render("1", room),
            "POST /v1/x HTTP/1.1\r\nhost: gateway.example\r\ncontent-type: text/plain\r\n"
            "Content-Length: 1\r\n\r\nx");
}

}  // namespace
}  // namespace agent_load
