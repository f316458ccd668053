// Stands between an upstream and everything that reads its answers: bytes as they come in, clean
// chunks out, whatever the server's idea of the protocol is. Pure. What is put right is listed in
// docs/repairs.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/answer_body.h"
#include "protocol/chat_look.h"
#include "protocol/choice_repair.h"
#include "protocol/chunk_repair.h"
#include "protocol/held_chunk.h"
#include "protocol/openai_stream.h"
#include "protocol/whole_answer.h"

namespace agw::protocol {

// An answer of status 200.
struct AnswerTerms {
  bool stream = false;  // what was asked for, which need not be what comes
  std::string content_type;
  std::string content_encoding;
  CallForm calls{};
};

// Where a stream was asked for, next() gives the chunks and then, when the upstream said it, the
// usage; otherwise one chunk that is the whole answer. Both end in exactly one way: a proper end or
// an error, and an answer that breaks off is an error.
class AnswerShield {
 public:
  explicit AnswerShield(AnswerTerms terms);

  void feed(std::string_view bytes);
  // The body came to its proper end.
  void end();
  // It did not: the connection broke, or was silent for too long.
  void broken(Error error);

  // Nothing: there is more to feed, or isOver(). After an error, that error again.
  Result<std::optional<ChatChunk>> next();
  // No further chunk will come, whatever is fed.
  bool isOver() const { return over_; }

 private:
  using Maybe = Result<std::optional<ChatChunk>>;

  Maybe nextChunk();
  Maybe nextWhole();
  // Each takes one step. False: it gave nothing for the client.
  Result<bool> takeValue(ChatChunk& chunk);
  Result<bool> takeChoices(ChatChunk& chunk);
  Result<bool> release(ChatChunk& chunk);
  Result<bool> close(ChatChunk& chunk);

  bool keepMembers(const ChatLook& look);

  std::optional<Error> look();
  void noteUsage();
  Error howItBroke() const;
  bool isProperEnd() const;
  bool hasValue() const;
  bool isLastValue() const;

  AnswerTerms terms_;
  AnswerBody body_;
  ChunkRepair repair_;
  HeldChunk held_;
  AnswerEvent event_;
  std::string text_;          // the event's, where the body's own would not do
  std::size_t position_ = 0;  // in the event's text, which may hold several values
  std::size_t value_ = 0;     // where the one that ends there began
  ChatLook look_;             // at it
  bool looked_ = false;       // and that is still to be taken
  bool value_cut_ = false;    // the body ended inside one
  bool was_message_ = false;  // the last one was a whole message, not a delta
  bool done_ = false;         // the upstream said that this is all
  bool closing_ = false;      // nothing of the body is left
  bool over_ = false;
  std::optional<Usage> usage_;
  std::optional<Error> break_;  // how the connection broke
  std::optional<Error> error_;  // how the answer ends

  std::string usage_json_;  // of usage_

  // Only where no stream was asked for.
  WholeAnswer whole_;
  const ChatLook* source_ = nullptr;  // what the last chunk was made from
  bool as_written_ = false;           // whole_json_ stands for whole_
  bool whole_given_ = false;
  std::string whole_json_;
};

}  // namespace agw::protocol
