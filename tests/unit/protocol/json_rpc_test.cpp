#include "protocol/json_rpc.h"

#include <gtest/gtest.h>

namespace agw::protocol {
namespace {

RpcMessage one(std::string_view text) {
  auto messages = parseRpc(text);
  EXPECT_TRUE(messages.has_value()) << text;
  if (!messages) return {};
  EXPECT_EQ(messages->size(), 1u);
  return messages->front();
}

TEST(JsonRpc, WritesARequest) {
  EXPECT_EQ(rpcRequest(7, "tools/list", R"({"cursor":"a\"b"})"),
            R"({"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"cursor":"a\"b"}})");
}

TEST(JsonRpc, WritesANotificationWithoutParams) {
  EXPECT_EQ(rpcNotification("notifications/initialized", ""),
            R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
}

TEST(JsonRpc, WritesAnswersWithTheIdAsItCame) {
  EXPECT_EQ(rpcResult("9007199254740993", "{}"),
            R"({"jsonrpc":"2.0","id":9007199254740993,"result":{}})");
  EXPECT_EQ(rpcErrorReply(R"("a-1")", kRpcMethodNotFound, "no \"x\""),
            R"({"jsonrpc":"2.0","id":"a-1","error":{"code":-32601,"message":"no \"x\""}})");
  EXPECT_EQ(rpcErrorReply("", -32700, "bad"),
            R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"bad"}})");
}

TEST(JsonRpc, ReadsAResponseAndKeepsTheResultsBytes) {
  const RpcMessage message =
      one(R"( {"result": {"n":1.10, "big":12345678901234567890123} ,"id":3,"jsonrpc":"2.0"} )");
  EXPECT_EQ(message.kind, RpcKind::Response);
  EXPECT_EQ(message.id, "3");
  EXPECT_EQ(message.result, R"({"n":1.10, "big":12345678901234567890123})");
  EXPECT_FALSE(message.error);
}

TEST(JsonRpc, TellsANumberFromAStringAsId) {
  EXPECT_EQ(one(R"({"jsonrpc":"2.0","id":1,"result":null})").id, "1");
  EXPECT_EQ(one(R"({"jsonrpc":"2.0","id":"1","result":null})").id, R"("1")");
  EXPECT_EQ(one(R"({"jsonrpc":"2.0","id":9007199254740993,"result":null})").id, "9007199254740993");
}

TEST(JsonRpc, ReadsErrorsAlsoWithoutAnId) {
  const RpcMessage named =
      one(R"({"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"bad","data":{"x":1}}})");
  ASSERT_TRUE(named.error);
  EXPECT_EQ(named.error->code, -32602);
  EXPECT_EQ(named.error->message, "bad");
  const RpcMessage unnamed =
      one(R"({"jsonrpc":"2.0","error":{"code":-32000,"message":"no session"},"id":null})");
  ASSERT_TRUE(unnamed.error);
  EXPECT_EQ(unnamed.id, "null");
  EXPECT_FALSE(one(R"({"jsonrpc":"2.0","id":4,"error":null,"result":{}})").error);
}

TEST(JsonRpc, TellsRequestsFromNotifications) {
  const RpcMessage request = one(R"({"jsonrpc":"2.0","id":"s1","method":"ping"})");
  EXPECT_EQ(request.kind, RpcKind::Request);
  EXPECT_EQ(request.method, "ping");
  EXPECT_EQ(request.params, "");
  const RpcMessage note =
      one(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}})");
  EXPECT_EQ(note.kind, RpcKind::Notification);
  EXPECT_EQ(note.params, R"({"progress":1})");
}

TEST(JsonRpc, ReadsABatch) {
  const auto messages = parseRpc(
      R"([{"jsonrpc":"2.0","method":"a"}, {"jsonrpc":"2.0","id":2,"result":{"k":[1,2]}}])");
  ASSERT_TRUE(messages.has_value());
  ASSERT_EQ(messages->size(), 2u);
  EXPECT_EQ((*messages)[0].method, "a");
  EXPECT_EQ((*messages)[1].result, R"({"k":[1,2]})");
}

TEST(JsonRpc, RefusesWhatIsNoMessage) {
  for (const char* text :
       {"", "[]", "null", "7", "{}", R"({"jsonrpc":"1.0","id":1,"result":{}})",
        R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","result":{}})",
        R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":{},"method":"a"})", R"({"jsonrpc":"2.0","id":1,"method":5})",
        R"({"jsonrpc":"2.0","id":1,"error":"boom"})",
        R"({"jsonrpc":"2.0","id":1,"error":{"message":"no code"}})", R"([{"jsonrpc":"2.0"}])",
        R"({"jsonrpc":"2.0","id":1,"result":{}}x)"}) {
    EXPECT_FALSE(parseRpc(text).has_value()) << text;
  }
}

TEST(JsonRpc, BoundsABatch) {
  std::string text = "[";
  for (int i = 0; i < 101; ++i) {
    if (i > 0) text += ',';
    text += R"({"jsonrpc":"2.0","method":"n"})";
  }
  EXPECT_FALSE(parseRpc(text + "]").has_value());
}

}  // namespace
}  // namespace agw::protocol
